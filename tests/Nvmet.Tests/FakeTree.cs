using EveStorage.Linux;
using EveStorage.Nvmet;
using EveStorage.NvmetTcp;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>
/// Directories and files where the kernel's tree would be: enough to look at, and to take away what is there. What the kernel
/// makes of a new directory it is not.
/// </summary>
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

    /// <summary>What nvmet-tcp does with it, where removing acts as the kernel's does.</summary>
    internal NvmetExports Exports() => new(new()
    {
        Address = new("tcp", "ipv4", "127.0.0.1", "4420"),
        IsOwn = _ => true,
        Root = Root,
        Marks = Marks,
        RemoveObject = Remove,
    });

    /// <summary>A port of nvmet-loop.</summary>
    internal void AddLoopPort(int id)
    {
        Set($"ports/{id}/addr_trtype", "loop");
        Set($"ports/{id}/addr_traddr", PortAddress.Loop.Address);
        Directory.CreateDirectory($"{Root}/ports/{id}/subsystems");
    }

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
        Set($"{at}/attr_serial", volume.ToString("N")[..20]);
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

    /// <summary>The objects and the links that are there, and the marks.</summary>
    internal string[] Objects()
        => [.. new[] { "subsystems", "hosts", "ports" }.SelectMany(kind => Configfs.Objects($"{Root}/{kind}")), .. Configfs.Names(Marks)];

    /// <summary>
    /// Takes a directory as rmdir does in configfs: its attributes and the directories that came with it go along, and it is
    /// refused while something was made in it or is linked to it.
    /// </summary>
    internal void Remove(string path)
    {
        if (!Directory.Exists(path))
        {
            return;
        }

        string[] links = [.. Directory.EnumerateFileSystemEntries(Root, "*", SearchOption.AllDirectories).Where(e => new FileInfo(e).LinkTarget is not null)];
        bool busy = links.Any(link => new FileInfo(link).LinkTarget == path || link.StartsWith($"{path}/", StringComparison.Ordinal))
            || Configfs.Objects($"{path}/namespaces").Count > 0;
        if (busy)
        {
            throw new StorageException(StorageErrorKind.Busy, path, "has something in it, or linked to it");
        }

        Directory.Delete(path, recursive: true);
    }

    public void Dispose() => _place.Dispose();

    private void Set(string path, string value)
    {
        Directory.CreateDirectory(Path.GetDirectoryName($"{Root}/{path}")!);
        File.WriteAllText($"{Root}/{path}", $"{value}\n");
    }
}
