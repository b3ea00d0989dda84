using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>A kept plugin as a profile uses it: each of its parts is loaded, given its options, and does what a person asks of it.</summary>
internal sealed class KeptUse : IDisposable
{
    private const int DiskLength = 3 << 20;

    private readonly TemporaryDirectory _place = new();
    private readonly string _host;

    internal KeptUse(string host, string version)
    {
        _host = host;
        BuiltHost.CopyPlugin(RepositoryFiles.Path($"tests/Contracts/{version}/{ContractTests.Kept}"), _place[$"plugins/{ContractTests.Kept}"]);
        File.WriteAllText(_place["kept.json"], JsonSerializer.Serialize(new
        {
            State = _place["state"],
            Run = _place["run"],
            Plugins = new { Enabled = new[] { ContractTests.Kept }, Directories = new[] { _place["plugins"] } },
            Pools = new
            {
                data = new
                {
                    Kind = ContractTests.Kept,
                    Devices = new[] { _place["pool"] },
                    Options = new { LargestVolume = "1GiB" },
                    Layers = new[] { new { Kind = "kept.layer", Placement = "OverVolume", Options = At("open") } },
                },
            },
            Keys = new { Kind = "kept.keys", Options = At("keys") },
            Transports = new { shelf = new { Kind = "kept.transport", Options = At("exports") } },
            FrontEnds = new { front = new { Kind = "kept.front", Options = At("fronts") } },
        }));
    }

    /// <summary>Has each part do its work.</summary>
    internal async Task RunAsync()
    {
        byte[] image = [.. "KEPTDISK"u8, .. BitConverter.GetBytes((long)DiskLength), .. new byte[4096 - 16], .. RandomNumberGenerator.GetBytes(DiskLength)];
        await File.WriteAllBytesAsync(_place["disk.kept"], image, TestContext.Current.CancellationToken);

        await DoAsync("pool", "create", "data");
        await DoAsync("image", "import", _place["disk.kept"], "vm1", "--encrypted", "--verify");
        JsonElement volume = (await DoAsync("volume", "show", "vm1", "--json")).Json;
        volume.GetProperty("layers").EnumerateArray().Select(layer => layer.GetString()).ShouldBe(["kept.layer"]);
        volume.GetProperty("size").GetInt64().ShouldBe(DiskLength);
        (await DoAsync("key", "list")).Output.ShouldContain($"volume-{volume.GetProperty("id").GetGuid():D}");
        await DoAsync("export", "add", "vm1");
        await ExportIsListedAsync();
        await DoAsync("image", "import", _place["disk.kept"], "plain");   // the host opens what a layer shows as a block device, and here none is
        await DoAsync("image", "save", "plain", _place["saved.kept"], "--format", "kept.image");
        (await File.ReadAllBytesAsync(_place["saved.kept"], TestContext.Current.CancellationToken)).AsSpan().SequenceEqual(image).ShouldBeTrue("what was saved is what was imported");

        await ServeAsync();
    }

    public void Dispose() => _place.Dispose();

    private object At(string directory) => new { Directory = _place[directory] };

    private Task<Ended> DoAsync(params string[] arguments) => Shell.DoAsync(_host, [.. arguments, "--profile", _place["kept.json"]]);

    private async Task ExportIsListedAsync()
    {
        JsonElement export = (await DoAsync("export", "list", "--json")).Json.EnumerateArray().ShouldHaveSingleItem();
        export.GetProperty("transport").GetString().ShouldBe("shelf");
        export.GetProperty("address").GetString().ShouldStartWith($"file://{_place["pool"]}");
    }

    // The front end is the daemon's. Its file is there while it serves.
    private async Task ServeAsync()
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        using Process daemon = new() { StartInfo = new(_host, ["serve", "--profile", _place["kept.json"]]) { RedirectStandardError = true } };
        daemon.Start();
        Task<string> told = daemon.StandardError.ReadToEndAsync(cancellationToken);
        try
        {
            using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(TimeSpan.FromSeconds(60));
            while (!File.Exists(_place["fronts/front"]) || new FileInfo(_place["fronts/front"]).Length == 0)
            {
                daemon.HasExited.ShouldBeFalse();
                await Task.Delay(100, limit.Token);
            }

            (await File.ReadAllTextAsync(_place["fronts/front"], limit.Token)).ShouldStartWith("1 keys");
            await ExportIsListedAsync();
            (await DoAsync("events")).Output.ShouldContain("kept.serving");
            (await Shell.RunAsync("kill", ["-TERM", $"{daemon.Id}"])).Code.ShouldBe(0);
            await daemon.WaitForExitAsync(limit.Token);
            daemon.ExitCode.ShouldBe(0, await told);
            File.Exists(_place["fronts/front"]).ShouldBeFalse("it serves no more");
        }
        finally
        {
            if (!daemon.HasExited)
            {
                daemon.Kill();
                await daemon.WaitForExitAsync(CancellationToken.None);
            }
        }
    }
}
