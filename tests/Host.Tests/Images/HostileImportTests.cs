using System.Text.RegularExpressions;
using EveStorage.Host.Api;
using EveStorage.Linux;
using EveStorage.Testing;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

/// <summary>The hostile corpus through the real worker: each image is refused as it should be, and leaves the pool as it was.</summary>
public sealed class HostileImportTests : IAsyncLifetime
{
    private readonly TestEngine _host = new();

    // EVESTORAGE_LONG=1 takes all of it; every sixth goes through a worker in CI, and each through the parser itself.
    private static int Step { get; } = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1" ? 1 : 6;

    public async ValueTask InitializeAsync()
        => await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = TestEngine.Pool }, TestEngine.Create("other"));

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Each_is_refused_by_kind_and_sentence_from_a_file_and_from_a_pipe_and_leaves_nothing()
    {
        PoolState before = await PoolState.OfAsync(_host);
        foreach (HostileImage image in HostileCorpus.All.Where((_, number) => number % Step == 0))
        {
            await File.WriteAllBytesAsync(_host["disk.img"], image.Bytes, TestContext.Current.CancellationToken);
            using SafeFileHandle file = File.OpenHandle(_host["disk.img"]);

            ErrorReport error = (await TryRefusalAsync(() => _host.RunAsync(TestEngine.Import("vm1", "qcow2"), file))).ShouldNotBeNull(image.Name);
            ErrorReport? piped = await TryRefusalAsync(() => _host.RunPipedAsync(TestEngine.Import("vm1", "qcow2") with { Verify = false }, new MemoryStream(image.Bytes)));

            error.Kind.ShouldBe(image.Kind, $"{image}: {error.Message}");
            error.Message.ShouldContain(image.Sentence, customMessage: image.Name);

            // Of a pipe nobody knows the end before it is there, and snapshots are only looked at for who asks.
            piped?.Kind.ShouldBeOneOf([StorageErrorKind.Corrupt, StorageErrorKind.NotSupported], $"{image}: {piped.Message}");
            await DropAsync(piped is null);
            (await PoolState.OfAsync(_host)).ShouldBe(before, image.Name);
        }
    }

    [Fact]
    public async Task A_worker_opens_nothing_once_it_may_look_at_an_image()
    {
        Command strace = Command.Find("strace") is Command found ? found
            : Environment.GetEnvironmentVariable("CI") == "true" ? throw new InvalidOperationException("strace is needed: install strace") : throw Xunit.Sdk.SkipException.ForSkip("strace is missing");
        await _host.EndAsync();
        await File.WriteAllBytesAsync(_host["disk.img"], HostileCorpus.All.Single(image => image.Name == "deflate that is none").Bytes, TestContext.Current.CancellationToken);

        // The command ends with the exit code of the refusal, which is what strace ends with.
        await Should.ThrowAsync<CommandException>(() => strace.RunAsync(
            ["-f", "-o", _host["trace"], "-e", "trace=execve,openat,open,openat2,creat,socket,connect,clone,clone3,fork,vfork,seccomp", Path.Combine(BuiltHost.Directory, "evestorage"), "--profile", _host.ProfilePath, "image", "import", _host["disk.img"], "data/vm1"],
            TestContext.Current.CancellationToken));

        string[] calls = await File.ReadAllLinesAsync(_host["trace"], TestContext.Current.CancellationToken);
        Jailed(calls).Count.ShouldBe(1, "a worker that looks, and then imports");
        foreach (IReadOnlyList<string> afterwards in Jailed(calls))
        {
            afterwards.Where(call => !call.Contains("= -1", StringComparison.Ordinal)).Where(call => Regex.IsMatch(call, @"\b(open\w*|creat|socket|connect|execve|v?fork)\(")).ShouldBeEmpty();
        }
    }

    // The calls of each worker's threads from where its filter is in force.
    private static List<IReadOnlyList<string>> Jailed(string[] calls)
    {
        List<IReadOnlyList<string>> all = [];
        for (int at = 0; at < calls.Length; at++)
        {
            if (calls[at].Contains("seccomp(SECCOMP_SET_MODE_FILTER", StringComparison.Ordinal))
            {
                HashSet<string> threads = ThreadsOf(calls, at);
                all.Add([.. calls.Skip(at + 1).Where(call => threads.Contains(call.Split(' ')[0]))]);
            }
        }

        return all;
    }

    // Of the process that the thread of this call belongs to: from its execve on, whoever was cloned by one of them.
    private static HashSet<string> ThreadsOf(string[] calls, int filter)
    {
        for (int start = filter; start >= 0; start--)
        {
            if (!calls[start].Contains("execve(", StringComparison.Ordinal) || !calls[start].Contains("\"worker\"", StringComparison.Ordinal))
            {
                continue;
            }

            HashSet<string> threads = [calls[start].Split(' ')[0]];
            foreach (string call in calls.Skip(start))
            {
                if (threads.Contains(call.Split(' ')[0]) && Regex.Match(call, @"clone3?(?:\(| resumed).*= (\d+)$") is { Success: true } cloned)
                {
                    threads.Add(cloned.Groups[1].Value);
                }
            }

            if (threads.Contains(calls[filter].Split(' ')[0]))
            {
                return threads;
            }
        }

        throw new InvalidOperationException("no worker entered this jail");
    }

    private async Task DropAsync(bool imported)
    {
        if (imported)
        {
            await _host.DoAsync(new DeleteVolume { Pool = TestEngine.Pool, Volume = new("vm1") });
        }
    }

    private static async Task<ErrorReport?> TryRefusalAsync(Func<Task<OperationReport>> import)
    {
        try
        {
            return (await import()).Error;
        }
        catch (StorageException refused)
        {
            return ErrorReport.Of(refused);
        }
    }
}
