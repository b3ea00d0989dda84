using EveStorage.Linux;
using EveStorage.NvmetTcp;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>Directories and files where the kernel's tree would be: enough to look at, and never to act on.</summary>
internal sealed class FakeTree : IDisposable
{
    private readonly TemporaryDirectory _place = new();

    internal FakeTree()
    {
        foreach (string kind in (string[])["subsystems", "hosts", "ports"])
        {
            Directory.CreateDirectory(_place[$"nvmet/{kind}"]);
        }
    }

    internal static Nqn Subsystem { get; } = new($"{Nqn.OwnPrefix}vm1");

    internal static HostNqn Host { get; } = new("nqn.2014-08.org.example:host");

    internal string Marks => _place["marks"];

    internal string Root => _place["nvmet"];

    internal static ExportSpec Spec { get; } = new()
    {
        VolumeId = new("11111111-2222-3333-4444-555555555555"),
        Subject = "data/vm1",
        Subsystem = Subsystem,
        AllowedHosts = [new(Host, Key: null)],
    };

    internal NvmetTcpTransport Transport(NvmetTcpOptions? options = null)
    {
        NvmetTcpOptions used = options ?? new();
        used.Marks = Marks;
        return new(used, KernelTarget.Services(), Root);
    }

    internal Task<Plan> PlanAsync(ExportSpec spec, NvmetTcpOptions? options = null)
        => Transport(options).PlanExportAsync(spec, new() { Path = "/dev/pool/vm1" }, CancellationToken.None).AsTask();

    /// <summary>A port.</summary>
    internal void AddPort(int id, string address, string service)
    {
        foreach ((string name, string value) in new[] { ("addr_trtype", "tcp"), ("addr_adrfam", "ipv4"), ("addr_traddr", address), ("addr_trsvcid", service), ("ana_groups/1/ana_state", "optimized") })
        {
            Set($"ports/{id}/{name}", value);
        }

        Directory.CreateDirectory($"{Root}/ports/{id}/subsystems");
    }

    /// <summary>A subsystem with a namespace, allowed to the host and served on a port.</summary>
    internal void AddExport(Nqn subsystem, Guid volume, int port)
    {
        string at = $"subsystems/{subsystem}";
        Set($"{at}/attr_allow_any_host", "0");
        Set($"{at}/namespaces/1/device_path", "/dev/pool/vm1");
        Set($"{at}/namespaces/1/device_uuid", $"{volume}");
        Set($"{at}/namespaces/1/device_nguid", $"{volume}");
        Set($"{at}/namespaces/1/enable", "1");
        Directory.CreateDirectory($"{Root}/hosts/{Host}");
        Directory.CreateDirectory($"{Root}/{at}/allowed_hosts");
        Directory.CreateSymbolicLink($"{Root}/{at}/allowed_hosts/{Host}", $"{Root}/hosts/{Host}");
        Directory.CreateSymbolicLink($"{Root}/ports/{port}/subsystems/{subsystem}", $"{Root}/{at}");
    }

    /// <summary>The host as an earlier operation of ours made it, with what a kernel has of keys.</summary>
    internal void AddHost(string key, string hash = "hmac(sha256)")
    {
        string host = $"{Root}/hosts/{Host}";
        new ConfigfsMarks(Marks).Make(host, Guid.NewGuid(), () => Directory.CreateDirectory(host).Exists);
        foreach ((string name, string value) in new[] { ("dhchap_hash", hash), ("dhchap_dhgroup", "null"), ("dhchap_key", key), ("dhchap_ctrl_key", "") })
        {
            Set($"hosts/{Host}/{name}", value);
        }
    }

    /// <summary>What the kernel would say of the host.</summary>
    internal string? OfHost(string name) => Configfs.Find($"{Root}/hosts/{Host}/{name}");

    public void Dispose() => _place.Dispose();

    private void Set(string path, string value)
    {
        Directory.CreateDirectory(Path.GetDirectoryName($"{Root}/{path}")!);
        File.WriteAllText($"{Root}/{path}", $"{value}\n");
    }
}
