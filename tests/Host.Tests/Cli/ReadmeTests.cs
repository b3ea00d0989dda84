using EveStorage.Host.Try;
using EveStorage.Testing;

namespace EveStorage.Tests;

public sealed class ReadmeTests
{
    [Fact]
    public async Task What_the_readme_shows_for_every_day_works_line_by_line()
    {
        using CommandLineHost host = new();
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        string readme = await File.ReadAllTextAsync(RepositoryFiles.Path("README.md"), cancellationToken);
        string[] lines = readme.Split("## Every day")[1].Split("```")[1].Trim().Split('\n');
        string made = await SampleImage.MakeAsync(Path.GetDirectoryName(host.Profile)!, cancellationToken);
        File.Move(made, host["debian.qcow2"]);

        // A person waits for the daemon's line; a script for its socket.
        lines[0].ShouldStartWith("evestorage serve &");
        string script = $$"""
            set -eu
            cd '{{Path.GetDirectoryName(host.Profile)}}'
            evestorage() { '{{CommandLineHost.Program}}' "$@" --profile '{{host.Profile}}'; }
            '{{CommandLineHost.Program}}' serve --profile '{{host.Profile}}' 2>serve.log &
            daemon=$!
            trap 'kill -KILL $daemon 2>/dev/null || true' EXIT
            for i in $(seq 600); do curl --silent --fail --unix-socket '{{host.Socket}}' http://localhost/v1/host >/dev/null && break; sleep 0.1; done
            set -x
            {{string.Join('\n', lines[1..])}}
            kill -TERM $daemon
            wait $daemon
            """;

        Ended ended = await CommandLineHost.RunProgramAsync("bash", ["-c", script]);

        ended.Code.ShouldBe(0, ended.Error);
        ended.Output.ShouldContain("nvme connect --transport=tcp --traddr=127.0.0.1");
        ended.Output.ShouldContain("nothing to do");
    }
}
