using System.Text.RegularExpressions;
using EveStorage.Cli.Api;
using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>The hostile corpus once more, with each call traced by which something is opened, connected or started.</summary>
public sealed class TracedImportTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const string Traced = "trace=execve,openat,open,openat2,creat,socket,connect,clone,clone3,fork,vfork,seccomp";

    private readonly TestEngine _host = new();

    // EVESTORAGE_LONG=1 takes all of it.
    private static int Step { get; } = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1" ? 1 : 50;

    public async ValueTask InitializeAsync()
    {
        await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = TestEngine.Pool });
        await _host.EndAsync();
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task A_worker_opens_nothing_once_it_may_look_at_an_image_and_nobody_opens_what_that_names()
    {
        Command strace = Command.Find("strace") is Command found ? found
            : Environment.GetEnvironmentVariable("CI") == "true" ? throw new InvalidOperationException("strace is needed: install strace") : throw Xunit.Sdk.SkipException.ForSkip("strace is missing");
        HostileImage[] corpus = [.. HostileCorpus.All.Where((image, number) => number % Step == 0 || (Step > 1 && image.Name is "a data file" or "deflate that is none"))];
        foreach (HostileImage image in corpus)
        {
            await File.WriteAllBytesAsync(_host["disk.img"], image.Bytes, TestContext.Current.CancellationToken);

            // The command ends with the exit code of the refusal, which is what strace ends with.
            CommandException refused = await Should.ThrowAsync<CommandException>(() => strace.RunAsync(
                ["-f", "--seccomp-bpf", "-o", _host["trace"], "-e", Traced, Path.Combine(BuiltHost.Directory, "evestorage"), "--profile", _host.ProfilePath, "image", "import", _host["disk.img"], "data/vm1", "--format", "qcow2"],
                TestContext.Current.CancellationToken));

            refused.Message.ShouldContain(image.Sentence, customMessage: image.Name);
            string[] calls = Whole(await File.ReadAllLinesAsync(_host["trace"], TestContext.Current.CancellationToken));
            List<IReadOnlyList<string>> workers = Jailed(calls);
            workers.Count.ShouldBe(1, $"{image}: a worker that looks, and then imports");
            workers[0].Where(Opened).ShouldBeEmpty(image.Name);
            calls.Where(Opened).Where(call => call.Contains("shadow", StringComparison.Ordinal)).ShouldBeEmpty(image.Name);
        }

        output.WriteLine($"{corpus.Length} images of {HostileCorpus.All.Count}");
        Path.Exists(Path.Combine(_host.PoolPath, "volumes/vm1")).ShouldBeFalse();
    }

    // A call that another thread's came between is parted in two lines, of which the second tells what it came to.
    private static string[] Whole(string[] lines)
    {
        const string Parted = "<unfinished ...>";
        Dictionary<string, int> begun = [];
        List<string> calls = [];
        foreach (string line in lines)
        {
            string thread = line.Split(' ')[0];
            if (line.EndsWith(Parted, StringComparison.Ordinal))
            {
                begun[thread] = calls.Count;
                calls.Add(line[..^Parted.Length]);
            }
            else if (Regex.Match(line, @"<\.\.\. \w+ resumed>(.*)$") is { Success: true } rest && begun.Remove(thread, out int at))
            {
                calls[at] += rest.Groups[1].Value;
            }
            else
            {
                calls.Add(line);
            }
        }

        return [.. calls];
    }

    private static bool Opened(string call)
        => !call.Contains("= -1", StringComparison.Ordinal) && Regex.IsMatch(call, @"\b(open\w*|creat|socket|connect|execve|v?fork)\(");

    // The calls of each worker's threads from where its filter is in force.
    private static List<IReadOnlyList<string>> Jailed(string[] calls)
    {
        List<IReadOnlyList<string>> all = [];
        for (int at = 0; at < calls.Length; at++)
        {
            if (calls[at].Contains("seccomp(SECCOMP_SET_MODE_FILTER", StringComparison.Ordinal) && ThreadsOf(calls, at) is HashSet<string> threads)
            {
                all.Add([.. calls.Skip(at + 1).Where(call => threads.Contains(call.Split(' ')[0]))]);
            }
        }

        return all;
    }

    // Of the process that the thread of this call belongs to: from its execve on, whoever was cloned by one of them.
    private static HashSet<string>? ThreadsOf(string[] calls, int filter)
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

        return null;   // strace's own, which is how it looks at these calls only
    }
}
