using System.Diagnostics;
using System.Globalization;
using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

public sealed class CommandTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task What_it_printed_is_returned_and_it_reads_no_terminal()
        => (await Shell().RunAsync(["-c", "cat; echo done"], default)).ShouldBe("done\n");

    [Fact]
    public async Task A_key_is_all_of_its_input()
    {
        using KeyMaterial key = Key([1, 0, 10, 255]);

        (await Shell().RunAsync(["-c", "od -An -tx1"], key, default)).Trim().ShouldBe("01 00 0a ff");
    }

    [Fact]
    public async Task A_key_that_nobody_reads_is_no_failure_of_its_own()
    {
        using KeyMaterial key = Key(new byte[4096]);

        (await Shell().RunAsync(["-c", "exec <&-; echo done"], key, default)).ShouldBe("done\n");
    }

    [Fact]
    public async Task What_is_fed_to_it_is_its_input_however_long()
        => (await Shell().RunAsync(["-c", "wc -c"], (input, token) => WriteAsync(input, 64, token), default)).Trim().ShouldBe($"{64 << 20}");

    [Fact]
    public async Task One_that_reads_no_more_says_why_and_is_fed_no_more()
    {
        CommandException e = await Should.ThrowAsync<CommandException>(
            () => Shell().RunAsync(["-c", "head -c 1000 > /dev/null; echo bad stream >&2; exit 4"], (input, token) => WriteAsync(input, int.MaxValue, token), default));

        (e.ExitCode, e.Said).ShouldBe((4, "bad stream"));
    }

    [Fact]
    public async Task A_failure_of_what_feeds_it_ends_its_input_and_is_told_once_it_has_ended()
    {
        StorageException e = await Should.ThrowAsync<StorageException>(() => Shell().RunAsync(
            ["-c", $"wc -c > {_directory["read"]}"],
            async (input, token) => { await WriteAsync(input, 1, token); throw new StorageException(StorageErrorKind.Corrupt, "image", "was cut short"); },
            default));

        e.Kind.ShouldBe(StorageErrorKind.Corrupt);
        (await File.ReadAllTextAsync(_directory["read"])).Trim().ShouldBe($"{1 << 20}");
    }

    [Fact]
    public async Task One_that_takes_nothing_of_what_it_is_fed_is_killed()
        => (await Should.ThrowAsync<CommandException>(() => Shell(new() { Stall = TimeSpan.FromMilliseconds(300) }).RunAsync(["-c", "sleep 600"], (input, token) => WriteAsync(input, 64, token), default)))
            .End.ShouldBe(CommandEnd.Stalled);

    [Fact]
    public async Task One_that_is_fed_now_and_then_does_not_stall()
        => (await Shell(new() { Stall = TimeSpan.FromSeconds(2) }).RunAsync(
            ["-c", "wc -l"],
            async (input, token) =>
            {
                for (int i = 0; i < 30; i++)
                {
                    await input.WriteAsync("line\n"u8.ToArray(), token);
                    await Task.Delay(100, token);
                }
            },
            default)).Trim().ShouldBe("30");

    [Fact]
    public async Task What_it_printed_is_returned_as_a_key()
    {
        using KeyMaterial key = await Shell().ReadKeyAsync(["-c", "printf '\\001\\000\\377'"], default);

        key.Bytes.ToArray().ShouldBe([1, 0, 255]);
    }

    [Fact]
    public async Task A_key_that_is_too_long_is_refused()
        => (await Should.ThrowAsync<StorageException>(() => Shell().ReadKeyAsync(["-c", "head -c 4097 /dev/zero"], default)))
            .Kind.ShouldBe(StorageErrorKind.Corrupt);

    [Fact]
    public async Task Its_environment_has_what_was_asked_for()
        => (await Shell().With(new Dictionary<string, string> { ["DM_DISABLE_UDEV"] = "1" }).RunAsync(["-c", "echo $DM_DISABLE_UDEV"], default)).ShouldBe("1\n");

    [Fact]
    public async Task A_failure_has_the_exit_code_and_what_was_said()
    {
        CommandException e = await FailAsync(Shell(), "echo no such volume >&2; exit 5");

        e.End.ShouldBe(CommandEnd.Exited);
        e.ExitCode.ShouldBe(5);
        e.Said.ShouldBe("no such volume");
    }

    [Fact]
    public async Task One_that_is_not_there_is_unavailable()
    {
        CommandException e = await FailAsync(Command.At("/absent"), "");

        e.End.ShouldBe(CommandEnd.NotStarted);
        e.Kind.ShouldBe(StorageErrorKind.Unavailable);
    }

    [Theory]
    [InlineData("yes")]
    [InlineData("yes >&2")]
    public async Task One_that_prints_without_end_is_killed(string script)
        => (await FailAsync(Shell(new() { Output = ByteSize.MiB(1) }), script)).End.ShouldBe(CommandEnd.TooMuchOutput);

    [Fact]
    public async Task One_that_prints_nothing_is_killed()
        => (await FailAsync(Shell(new() { Stall = TimeSpan.FromMilliseconds(300) }), "sleep 600")).End.ShouldBe(CommandEnd.Stalled);

    [Fact]
    public async Task One_that_prints_now_and_then_does_not_stall_and_has_its_time()
        => (await FailAsync(Shell(new() { Total = TimeSpan.FromSeconds(3), Stall = TimeSpan.FromSeconds(2) }), "while true; do echo; sleep 0.1; done"))
            .End.ShouldBe(CommandEnd.TimedOut);

    [Fact]
    public async Task What_it_started_is_killed_with_it()
    {
        await FailAsync(Shell(new() { Total = TimeSpan.FromSeconds(2) }), $"sleep 600 & echo $! > {_directory["pid"]}; wait");

        await GoneAsync(await File.ReadAllTextAsync(_directory["pid"]));
    }

    [Fact]
    public async Task One_whose_child_keeps_its_output_open_is_not_waited_for_for_ever()
        => (await FailAsync(Shell(new() { Stall = TimeSpan.FromMilliseconds(300) }), "sleep 5 &")).End.ShouldBe(CommandEnd.Stalled);

    [Fact]
    public async Task Cancelling_kills_it_and_is_a_cancellation()
    {
        using CancellationTokenSource source = new();
        Task run = Shell().RunAsync(["-c", $"echo $$ > {_directory["new"]}; mv {_directory["new"]} {_directory["pid"]}; sleep 600"], source.Token);
        await UntilAsync(() => File.Exists(_directory["pid"]));

        await source.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => run);
        await GoneAsync(await File.ReadAllTextAsync(_directory["pid"]));
    }

    public void Dispose() => _directory.Dispose();

    private static async Task WriteAsync(Stream input, int mebibytes, CancellationToken cancellationToken)
    {
        byte[] piece = new byte[1 << 20];
        for (int i = 0; i < mebibytes; i++)
        {
            await input.WriteAsync(piece, cancellationToken);
        }
    }

    private static KeyMaterial Key(byte[] bytes)
    {
        KeyMaterial key = new(bytes.Length);
        bytes.CopyTo(key.Bytes);
        return key;
    }

    private static Command Shell(CommandLimits? limits = null) => Command.At("/bin/sh", limits);

    private static Task<CommandException> FailAsync(Command command, string script)
        => Should.ThrowAsync<CommandException>(() => command.RunAsync(["-c", script], default));

    // A killed child of a killed parent is init's to bury; a zombie is as gone.
    private static Task GoneAsync(string pid)
        => UntilAsync(() =>
        {
            string stat = $"/proc/{int.Parse(pid, CultureInfo.InvariantCulture)}/stat";
            return !File.Exists(stat) || File.ReadAllText(stat).Contains(") Z ", StringComparison.Ordinal);
        });

    private static async Task UntilAsync(Func<bool> condition)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Stopwatch.GetElapsedTime(start).ShouldBeLessThan(TimeSpan.FromSeconds(10));
            await Task.Delay(20);
        }
    }
}
