using EveStorage.ContainerdSnapshotter;
using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>
/// containerd's own suite for snapshotters, over the socket. Debian's golang-go and golang-github-containerd-containerd-dev build it in
/// a few minutes, so it is one of the long tests.
/// </summary>
public sealed class ContainerdSuiteTests
{
    private const string Sources = "/usr/share/gocode";

    private static readonly CommandLimits s_limits = new() { Total = TimeSpan.FromMinutes(20), Stall = TimeSpan.FromMinutes(15) };

    [Fact]
    public async Task Every_test_passes_or_is_skipped_by_the_suite_itself()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1", "is long: set EVESTORAGE_LONG=1");
        await using SnapshotterDirectory directory = new();
        await using SnapshotterServer server = new(directory.Options, directory.Services);
        await server.StartAsync(default);
        string program = await BuildAsync(directory);

        string output = await Command.At(program, s_limits).With(new Dictionary<string, string> { ["SNAPSHOTTER_SOCKET"] = directory.Options.Socket })
            .RunAsync(["-test.run", "TestOverlay", "-test.root", "-test.v"], TestContext.Current.CancellationToken);

        output.Split('\n').Count(line => line.TrimStart().StartsWith("--- PASS: TestOverlay/", StringComparison.Ordinal)).ShouldBe(20, output);
        output.ShouldNotContain("--- FAIL");
    }

    private static async Task<string> BuildAsync(SnapshotterDirectory directory)
    {
        Command go = Command.Find("go", s_limits) ?? throw new InvalidOperationException("go is needed: install golang-go and golang-github-containerd-containerd-dev");
        string source = Path.Combine(directory["go"], "src", "snapsuite");
        Directory.CreateDirectory(source);
        File.Copy(RepositoryFiles.Path("tests/ContainerdSnapshotter.Tests/suite/suite_test.go"), Path.Combine(source, "suite_test.go"));
        Dictionary<string, string> environment = new()
        {
            ["GO111MODULE"] = "off",
            ["GOPATH"] = $"{directory["go"]}:{Sources}",
            ["GOFLAGS"] = "",
            ["GOCACHE"] = directory["cache"],
        };
        await go.With(environment).RunAsync(["test", "-c", "-o", directory["suite"], "snapsuite"], TestContext.Current.CancellationToken);
        return directory["suite"];
    }
}
