using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;

namespace EveStorage.Tests;

/// <summary>What an operation answers when it is done.</summary>
public sealed class ResultTests
{
    private const int Length = 4 << 20;

    [Fact]
    public async Task Sizes_are_numbers_to_a_program_and_have_units_for_a_person()
    {
        using CommandLineHost host = new();
        await host.DoAsync("pool", "create", "data");
        await File.WriteAllBytesAsync(host["disk.raw"], RandomNumberGenerator.GetBytes(Length), TestContext.Current.CancellationToken);

        JsonElement imported = (await host.DoAsync("image", "import", host["disk.raw"], "vm1", "--format", "raw", "--json")).Json.GetProperty("results");
        string saved = (await host.DoAsync("image", "save", "vm1", host["saved.raw"])).Output;
        JsonElement again = (await host.DoAsync("image", "save", "vm1", host["saved.qcow2"], "--format", "qcow2", "--json")).Json.GetProperty("results");

        imported.GetProperty("size").GetInt64().ShouldBe(Length);
        imported.GetProperty("written").GetInt64().ShouldBe(Length);
        saved.ShouldContain("data/vm1: size 4MiB, written 4MiB");
        again.GetProperty("written").GetInt64().ShouldBe(new FileInfo(host["saved.qcow2"]).Length);
    }

    [Fact]
    public async Task What_an_export_is_limited_to_is_shown_to_a_person_too()
    {
        using CommandLineHost host = new();
        await host.DoAsync("pool", "create", "data");
        await host.DoAsync("volume", "create", "vm1", "8M");
        await host.ServeAsync();
        await host.DoAsync("export", "add", "vm1", "--host", CommandLineHost.HostNqn, "--iops", "500", "--bandwidth", "10MiB", "--read-only");

        string shown = (await host.DoAsync("volume", "show", "vm1")).Output;
        string listed = (await host.DoAsync("export", "list")).Output;

        shown.ShouldContain($"to {CommandLineHost.HostNqn}, read-only, at most 500/s, 10MiB/s");
        listed.ShouldContain("read-only  500/s, 10MiB/s  ");
    }

    [Fact]
    public async Task What_is_read_of_a_wrapped_image_is_its_file()
    {
        using CommandLineHost host = new();
        await host.DoAsync("pool", "create", "data");
        await using (GZipStream wrapped = new(File.Create(host["disk.raw.gz"]), CompressionLevel.Fastest))
        {
            await wrapped.WriteAsync(RandomNumberGenerator.GetBytes(Length), TestContext.Current.CancellationToken);
        }

        JsonElement imported = (await host.DoAsync("image", "import", host["disk.raw.gz"], "vm1", "--format", "raw", "--size", "4MiB", "--json")).Json.GetProperty("results");

        imported.GetProperty("read").GetInt64().ShouldBeInRange(new FileInfo(host["disk.raw.gz"]).Length, Length + (1 << 20));
    }
}
