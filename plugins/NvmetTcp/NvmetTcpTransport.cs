using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using EveStorage.Linux;
using EveStorage.NvmeOf;
using EveStorage.Nvmet;

namespace EveStorage.NvmetTcp;

/// <summary>Serves volumes over NVMe/TCP from the kernel. No process of ours is in the path, and a host of ours that ends or is replaced is not noticed.</summary>
internal sealed class NvmetTcpTransport : IVolumeTransport
{
    private static readonly string[] s_modules = ["configfs", "nvmet", "nvmet-tcp"];

    private readonly NvmetTcpOptions _options;
    private readonly IPAddress _address;
    private readonly NvmetExports _exports;

    internal NvmetTcpTransport(NvmetTcpOptions options, PluginServices services, string root = NvmetTree.KernelRoot)
    {
        _options = options;
        _address = IPAddress.Parse(options.Address);
        _exports = new(new()
        {
            Address = new("tcp", _address.AddressFamily == AddressFamily.InterNetworkV6 ? "ipv6" : "ipv4", $"{_address}", options.Port.ToString(CultureInfo.InvariantCulture)),
            IsOwn = subsystem => !LoopSubsystem.Is(subsystem),
            Root = root,
            Marks = options.Marks,
            PortParameters = [.. Parameters(options)],
            MaxQueues = options.MaxQueues == 0 ? null : options.MaxQueues,
            Drain = TimeSpan.FromSeconds(options.DrainSeconds),
            Authentication = new($"hmac({options.Hash})", options.DhGroup),
            Secrets = services.Keys is null ? null : (name, cancellationToken) => SecretAsync(services.Keys, name, cancellationToken),
        });
    }

    public TransportCapabilities Capabilities { get; } = new() { Serves = AccessKinds.Path };

    public ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken)
        => new(_exports.Tree.IsPresent && KernelModule.IsLoaded("nvmet_tcp")
            ? []
            : [.. s_modules.Where(m => !KernelModule.IsThere(m)).Select(m => $"the kernel has no {m}: see docs/kernel.config")]);

    public async ValueTask<Plan> PlanExportAsync(ExportSpec spec, VolumeAccess volume, CancellationToken cancellationToken)
    {
        if (volume.Path is not string path)
        {
            throw new StorageException(StorageErrorKind.NotSupported, spec.Subject, "nvmet-tcp serves a device or a file, and there is none, as while an image is attached lazily; use nvmet-user");
        }

        if (!IPAddress.IsLoopback(_address) && !_options.AllowUnauthenticated && spec.AllowedHosts.FirstOrDefault(h => h.Key is null) is AllowedHost open)
        {
            // A host NQN is a claim and no proof: only who is on this machine may make it, unless a person says otherwise.
            throw new StorageException(
                StorageErrorKind.InvalidConfiguration, spec.Subject, $"{_options.Address} is no loopback address and {open.Host} only claims its name: give it a key, or set {nameof(NvmetTcpOptions.AllowUnauthenticated)}: true");
        }

        return await _exports.PlanExportAsync(spec, path, cancellationToken);
    }

    public ValueTask<Plan> PlanUnexportAsync(Guid volumeId, CancellationToken cancellationToken) => new(_exports.PlanUnexport(volumeId));

    public ValueTask<Plan> PlanResizeAsync(Guid volumeId, CancellationToken cancellationToken) => new(_exports.PlanResize(volumeId));

    public async IAsyncEnumerable<ExportInfo> ListExportsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (NvmetNamespace served in _exports.Served)
        {
            cancellationToken.ThrowIfCancellationRequested();
            IReadOnlyList<HostNqn> hosts = _exports.Tree.AllowedHosts(served.Subsystem);
            yield return new()
            {
                VolumeId = served.Id,
                Subsystem = served.Subsystem,
                NamespaceId = served.Number,
                Address = new($"tcp://{new IPEndPoint(_address, _options.Port)}"),
                AllowedHosts = hosts,
                Lines = ConnectLines.Of(
                    new(_address, _options.Port), served.Subsystem, [.. hosts.Select(h => new ConnectingHost(h, _exports.Tree.HasKey(h), _exports.Tree.HasControllerKey(h)))]),
            };
        }

        await ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;   // what the kernel serves goes on

    private static IEnumerable<(string Name, string Value)> Parameters(NvmetTcpOptions options)
    {
        if (options.InlineDataSize.Bytes > 0)
        {
            yield return ("param_inline_data_size", options.InlineDataSize.Bytes.ToString(CultureInfo.InvariantCulture));
        }

        if (options.QueueDepth > 0)
        {
            yield return ("param_max_queue_size", options.QueueDepth.ToString(CultureInfo.InvariantCulture));
        }
    }

    private static async ValueTask<KeyMaterial> SecretAsync(IKeyProvider keys, KeyName name, CancellationToken cancellationToken)
    {
        using KeyMaterial key = await keys.GetAsync(name, cancellationToken);
        using DhChapSecret secret = DhChapSecret.Of(key.Bytes, $"key {name}");
        return secret.ToText();
    }
}
