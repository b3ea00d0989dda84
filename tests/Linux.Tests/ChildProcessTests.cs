using System.Runtime.InteropServices;
using EveStorage.Linux;
using EveStorage.Testing;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

public sealed class ChildProcessTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task A_child_has_the_descriptors_it_was_given_and_no_other()
    {
        using SafeFileHandle image = Open("image", "of the image");
        using SafeFileHandle other = Open("other", "not for it");
        using BlockFile leaked = BlockFile.Open(_directory["other"], writable: false);

        (int code, string output) = await RunAsync("ls /proc/self/fd | tr '\\n' ' '; cat <&3", image);

        code.ShouldBe(0);
        output.ShouldBe("0 1 2 3 4 of the image", "4 is what ls itself has opened");
    }

    [Fact]
    public async Task Descriptors_keep_their_order_whatever_their_numbers_here()
    {
        using SafeFileHandle a = Open("a", "A");
        using SafeFileHandle b = Open("b", "B");

        (await RunAsync("cat <&3; cat <&4", b, a)).Output.ShouldBe("BA");
    }

    [Fact]
    public async Task A_child_has_the_environment_it_was_given_and_no_other()
    {
        using ChildProcess child = ChildProcess.Start("/usr/bin/env", [], new Dictionary<string, string> { ["A"] = "1" }, []);

        (await new StreamReader(child.Output).ReadToEndAsync()).ShouldBe("A=1\n");
    }

    [Fact]
    public async Task Its_exit_code_is_told() => (await RunAsync("exit 7")).Code.ShouldBe(7);

    [Fact]
    public async Task The_end_of_its_input_reaches_it()
    {
        using ChildProcess child = Shell("cat > /dev/null; echo ended");

        child.Input.Close();

        (await new StreamReader(child.Output).ReadToEndAsync()).ShouldBe("ended\n");
        child.Wait().ShouldBe(0);
    }

    [Fact]
    public async Task Killing_ends_it_at_once()
    {
        using ChildProcess child = Shell("echo started; exec sleep 600");
        StreamReader output = new(child.Output);
        await output.ReadLineAsync();

        child.Kill();

        (await output.ReadToEndAsync()).ShouldBe("");
        child.Wait().ShouldBe(128 + 9);
        child.Kill();
    }

    [Fact]
    public async Task Whether_it_has_ended_is_told_before_anybody_waits_for_it()
    {
        using ChildProcess child = Shell("echo started; exec sleep 600");
        StreamReader output = new(child.Output);
        await output.ReadLineAsync();
        child.HasEnded.ShouldBeFalse();

        child.Kill();

        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(1));
        while (!child.HasEnded)
        {
            await Task.Delay(10, limit.Token);
        }

        child.Wait().ShouldBe(128 + 9);
        child.HasEnded.ShouldBeTrue();
    }

    [Fact]
    public async Task A_child_ignores_and_blocks_no_signal_though_we_do()
    {
        using PosixSignalRegistration ignored = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = true);

        string output = (await RunAsync("grep -E '^Sig(Ign|Blk)' /proc/self/status")).Output;

        output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length.ShouldBe(2);
        output.ShouldNotMatch("[1-9a-f]$", "each mask is zero");
        string ours = File.ReadLines("/proc/self/status").Single(line => line.StartsWith("SigIgn:", StringComparison.Ordinal));
        ours.EndsWith("0000", StringComparison.Ordinal).ShouldBeFalse(".NET ignores SIGPIPE");
    }

    [Fact]
    public async Task Its_end_is_told_as_often_as_it_is_asked_for_and_to_all_who_wait()
    {
        using ChildProcess child = Shell("read line; exit 7");
        Task<int>[] waiting = [.. Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(child.Wait, TaskCreationOptions.LongRunning))];

        child.Input.Close();

        (await Task.WhenAll(waiting)).ShouldAllBe(code => code == 7);
        child.Wait().ShouldBe(7);
    }

    [Fact]
    public void A_program_that_is_not_there_is_refused()
        => Should.Throw<StorageException>(() => ChildProcess.Start(_directory["none"], [], new Dictionary<string, string>(), [])).Kind.ShouldBe(StorageErrorKind.NotFound);

    public void Dispose() => _directory.Dispose();

    private static ChildProcess Shell(string script, params SafeFileHandle[] descriptors)
        => ChildProcess.Start("/bin/sh", ["-c", script], new Dictionary<string, string> { ["PATH"] = "/usr/bin:/bin" }, descriptors);

    private static async Task<(int Code, string Output)> RunAsync(string script, params SafeFileHandle[] descriptors)
    {
        using ChildProcess child = Shell(script, descriptors);
        string output = await new StreamReader(child.Output).ReadToEndAsync();
        return (child.Wait(), output);
    }

    private SafeFileHandle Open(string name, string content)
    {
        File.WriteAllText(_directory[name], content);
        return File.OpenHandle(_directory[name]);
    }
}
