using System.Text.Json;

namespace EveStorage.Tests;

/// <summary>
/// The product on a machine of its own: the host runs in a guest, on the guest's drives and kernel. Starting .NET takes 10 s and more
/// there, so a test starts the daemon once and asks it through its socket; a command line costs several seconds each.
/// </summary>
internal sealed class HostedGuest : IAsyncDisposable
{
    private const string Profile = "/root/profile.json";
    private const string Ask = "curl -sS --fail-with-body --unix-socket /run/evestorage/api.sock";

    private HostedGuest(Guest guest) => Guest = guest;

    public Guest Guest { get; }

    /// <summary>Starts a guest with a profile and the options of `lab up`. The host is there, and does not run yet.</summary>
    public static async Task<HostedGuest> StartAsync(string profile, params string[] options)
    {
        Drive program = await PublishedHost.DriveAsync();
        HostedGuest hosted = new(await Guest.StartAsync([.. options, "--disk", $"{program}"]));
        await hosted.Guest.RunAsync($"{PublishedHost.Mount}\ncat > {Profile} <<'P'\n{profile}\nP");
        return hosted;
    }

    /// <summary>Starts the daemon, and waits until it answers. A launcher, such as strace, may stand before it.</summary>
    public async Task ServeAsync(string launcher = "")
    {
        await Guest.RunAsync($$"""
            rm -f /run/evestorage/api.sock
            setsid {{launcher}} dotnet /program/evestorage.dll serve --profile {{Profile}} > /root/daemon.log 2>&1 < /dev/null &
            echo $! > /root/daemon.pid
            for i in $(seq 400); do
              [ -S /run/evestorage/api.sock ] && {{Ask}} http://host/v1/host > /dev/null 2>&1 && exit 0
              kill -0 $! || break
              sleep 1
            done
            cat /root/daemon.log >&2; exit 1
            """, 900);
    }

    /// <summary>Ends the daemon as a crash would. Its data planes in the kernel go on.</summary>
    public Task<string> KillAsync() => Guest.RunAsync("kill -9 $(cat /root/daemon.pid); while kill -0 $(cat /root/daemon.pid) 2>/dev/null; do sleep 0.1; done");

    /// <summary>Runs a command, which has to succeed, and gives its JSON.</summary>
    public async Task<JsonElement> RunAsync(params string[] words)
        => JsonDocument.Parse(await Guest.RunAsync($"evestorage {string.Join(' ', words)} --json --profile {Profile}", 900)).RootElement;

    /// <summary>What the daemon's API has at an address below /v1.</summary>
    public async Task<JsonElement> GetAsync(string address)
        => JsonDocument.Parse(await Guest.RunAsync($"{Ask} http://host/v1/{address}")).RootElement;

    /// <summary>Asks for a change, a document as in `POST /v1/operations`, and waits for its end, which is the operation that's given.</summary>
    public async Task<JsonElement> TryChangeAsync(string change)
        => JsonDocument.Parse(await Guest.RunAsync(Submit(change), 900)).RootElement;

    /// <summary>Asks for a change while the power may go, and gives why its success was not told; null when it was.</summary>
    public async Task<string?> WhyNotAsync(string change)
        => await Guest.TryAsync(Submit(change), 300) is (0, string output, _)
            ? JsonDocument.Parse(output).RootElement.GetProperty("state").GetString() == "succeeded" ? null : output
            : "no answer";

    /// <summary>Makes a change, which has to succeed, and gives its results.</summary>
    public async Task<JsonElement> ChangeAsync(string change)
    {
        JsonElement operation = await TryChangeAsync(change);
        operation.GetProperty("state").GetString().ShouldBe("succeeded", $"{change}\n{operation}");
        return operation.GetProperty("results");
    }

    /// <summary>Waits until an event is told that nobody asked for: the daemon looks by itself, at an interval, and its log has each.</summary>
    public Task<string> UntilToldAsync(string pattern)
        => Guest.RunAsync($"for i in $(seq 300); do grep -q '{pattern}' /root/daemon.log && exit 0; sleep 1; done; tail -n 40 /root/daemon.log >&2; exit 1", 400);

    /// <summary>In a guest with pools of logical volumes, the volume <c>disk</c> of one.</summary>
    public static string DiskOf(string pool) => $"/dev/mapper/evestorage--{pool}-disk";

    public ValueTask DisposeAsync() => Guest.DisposeAsync();

    private static string Submit(string change) => $$"""
        set -e
        said=$({{Ask}} -H 'content-type: application/json' -d '{{change}}' http://host/v1/operations) || { echo "$said" >&2; exit 1; }
        id=$(echo "$said" | jq -r .id)
        {{Ask}} -N http://host/v1/operations/$id/events > /dev/null
        {{Ask}} http://host/v1/operations/$id
        """;
}
