using EveStorage.Linux;

namespace EveStorage.Tests;

/// <summary>A containerd of its own that keeps its layers with us. It needs root, and Debian's containerd and runc.</summary>
internal sealed class RunningContainerd : IAsyncDisposable
{
    private const string Snapshotter = "eve.storage";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    // It says nothing while all is well.
    private static readonly CommandLimits s_limits = new() { Total = TimeSpan.FromHours(2), Stall = TimeSpan.FromHours(2) };

    private readonly CancellationTokenSource _end = new();
    private readonly Task _running;
    private readonly string _socket;

    // What runc keeps of a container lies under its namespace and name, whichever containerd it is of: two that share both end each other's.
    private readonly string _namespace = $"test-{Guid.NewGuid():N}";

    private RunningContainerd(string configuration, string socket)
        => (_running, _socket) = (Command.Find("containerd", s_limits)!.RunAsync(["-c", configuration, "-l", "error"], _end.Token), socket);

    /// <summary>Starts one that keeps what is its own in <paramref name="directory"/>.</summary>
    internal static async Task<RunningContainerd> StartAsync(string directory, string snapshots)
    {
        string[] programs = ["containerd", "ctr", "runc"];
        bool can = Environment.UserName == "root" && programs.All(program => Command.Find(program) is not null);
        Assert.SkipUnless(can || Environment.GetEnvironmentVariable("CI") == "true", $"needs root, {string.Join(", ", programs)}");
        string socket = Path.Combine(directory, "c.sock");
        string configuration = Path.Combine(directory, "config.toml");
        Directory.CreateDirectory(directory);
        await File.WriteAllTextAsync(configuration, $"""
            version = 2
            root = "{directory}/root"
            state = "{directory}/state"
            disabled_plugins = ["io.containerd.grpc.v1.cri"]
            [grpc]
              address = "{socket}"
            [proxy_plugins."{Snapshotter}"]
              type = "snapshot"
              address = "{snapshots}"
            """);
        RunningContainerd running = new(configuration, socket);
        await ComesTrueAsync(() => File.Exists(socket) || running._running.IsCompleted, "containerd answers");
        running._running.IsCompleted.ShouldBeFalse();
        return running;
    }

    /// <summary>Has its client do something.</summary>
    /// <returns>What it says.</returns>
    internal Task<string> CtrAsync(params string[] arguments) => CtrAsync(TestContext.Current.CancellationToken, arguments);

    /// <summary>Takes an archive in, and unpacks its layers.</summary>
    internal Task<string> ImportAsync(string archive) => CtrAsync("images", "import", "--snapshotter", Snapshotter, archive);

    /// <summary>Runs a script in a container of the image, and removes it.</summary>
    internal Task<string> RunAsync(string container, string script, params string[] options)
        => CtrAsync(["run", "--rm", "--snapshotter", Snapshotter, .. options, OciArchive.Image, container, "/bin/sh", "-c", script]);

    /// <summary>Starts a container that runs a script until it is killed.</summary>
    internal Task<string> BeginAsync(string container, string script)
        => CtrAsync("run", "--detach", "--snapshotter", Snapshotter, OciArchive.Image, container, "/bin/sh", "-c", script);

    /// <summary>Removes a layer, whoever uses it.</summary>
    internal Task<string> RemoveLayerAsync(string key) => CtrAsync("snapshots", "--snapshotter", Snapshotter, "rm", key);

    /// <summary>The layers that it knows: key, what each lies on, and its kind.</summary>
    internal async Task<string[]> LayersAsync()
        => [.. (await CtrAsync("snapshots", "--snapshotter", Snapshotter, "ls")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1)];

    /// <summary>Ends a container that was started.</summary>
    internal async Task EndAsync(string container)
    {
        await CtrAsync("tasks", "kill", "--signal", "SIGKILL", container);
        await CtrAsync("tasks", "rm", "--force", container);
        await CtrAsync("containers", "rm", container);
    }

    /// <summary>Waits until something is so.</summary>
    internal static async Task ComesTrueAsync(Func<bool> isSo, string what)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(s_patience);
        while (!isSo())
        {
            limit.IsCancellationRequested.ShouldBeFalse($"{what}, but not within {s_patience}");
            await Task.Delay(20, CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await (_running.IsCompleted ? Task.CompletedTask : EndAllAsync());
        }
        finally
        {
            await _end.CancelAsync();
            await Should.ThrowAsync<OperationCanceledException>(() => _running);
            _end.Dispose();
        }

        RemoveNamespace();
    }

    // runc leaves a namespace's directories, empty; of a test that failed perhaps not, and its failure is the one to be told.
    private void RemoveNamespace()
    {
        string[] places = ["/run/containerd/runc", "/sys/fs/cgroup", .. Directory.GetDirectories("/sys/fs/cgroup")];
        try
        {
            foreach (string left in places.Select(place => Path.Combine(place, _namespace)).Where(Directory.Exists))
            {
                Directory.Delete(left);
            }
        }
        catch (IOException e)
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"left: {e.Message}");
        }
    }

    private Task<string> CtrAsync(CancellationToken cancellationToken, params string[] arguments)
        => Command.Find("ctr")!.RunAsync(["-a", _socket, "-n", _namespace, .. arguments], cancellationToken);

    // A container is no child of containerd's, and goes on without it: one that a failing test left, too.
    private async Task EndAllAsync()
    {
        foreach (string container in (await CtrAsync(CancellationToken.None, "tasks", "ls", "--quiet")).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            await CtrAsync(CancellationToken.None, "tasks", "rm", "--force", container);
        }
    }
}
