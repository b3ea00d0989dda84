using System.CommandLine;
using EveStorage.Cli.Api;

namespace EveStorage.Cli.Verbs;

internal sealed class ExportAdd : ChangeVerb
{
    private readonly Argument<VolumeAddress> _volume;
    private readonly Option<string[]> _hosts = new("--host")
    {
        Description = "The NQN of a host that may connect; give it once for each. Nobody else can. A host with a key has to prove it, and with a controller's key the target does in turn. Left out only for a transport that serves this machine alone.",
        HelpName = "NQN[,key=NAME[,controller-key=NAME]]",
    };

    private readonly Option<string?> _transport = new("--transport") { Description = "The transport, by its name in the profile; needed when that has several.", HelpName = "NAME" };
    private readonly Option<string?> _subsystem = new("--subsystem") { Description = "A subsystem to share with other volumes. Without it the volume has one of its own.", HelpName = "NQN" };
    private readonly Option<int?> _namespace = new("--nsid") { Description = "Its number in the subsystem. Without it the lowest that is free.", HelpName = "NUMBER" };
    private readonly Option<bool> _readOnly = new("--read-only") { Description = "Refuse writes." };
    private readonly Option<long?> _iops = new("--iops") { Description = "The most reads and writes in a second.", HelpName = "NUMBER" };
    private readonly Option<ByteSize?> _bandwidth = Arguments.SizeOption("--bandwidth", "The most bytes read or written in a second.");

    public ExportAdd()
        : base(
            "export add",
            "Serve a volume to hosts. It is served again at each start, until `export remove`.\n\nExample: evestorage export add vm1 --host nqn.2014-08.org.nvmexpress:uuid:00000000-0000-0000-0000-000000000001")
    {
        _volume = Add(Arguments.Volume());
        Add(_hosts);
        Add(_transport);
        Add(_subsystem);
        Add(_namespace);
        Add(_readOnly);
        Add(_iops);
        Add(_bandwidth);
    }

    protected override async Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
    {
        VolumeAddress address = parsed.GetValue(_volume)!;
        HostOption[] hosts = [.. (parsed.GetValue(_hosts) ?? []).Select(HostOption.Parse).DistinctBy(host => host.Nqn)];
        long? iops = parsed.GetValue(_iops);
        ByteSize? bandwidth = parsed.GetValue(_bandwidth);
        return new AddExport
        {
            Pool = await PoolOfAsync(address, api, cancellationToken),
            Volume = address.Volume,
            AllowedHosts = hosts.ToDictionary(host => host.Nqn, host => host.Key),
            ControllerKeys = hosts.Where(host => host.ControllerKey is not null).ToDictionary(host => host.Nqn, host => host.ControllerKey!),
            Limits = iops is null && bandwidth is null ? null : new() { Iops = iops, Bandwidth = bandwidth },
            Transport = parsed.GetValue(_transport),
            Subsystem = parsed.GetValue(_subsystem),
            NamespaceId = parsed.GetValue(_namespace),
            ReadOnly = parsed.GetValue(_readOnly),
        };
    }

    protected override async Task TellMoreAsync(TextWriter output, IStorageApi api, OperationReport done, CancellationToken cancellationToken)
    {
        ExportReport? export = (await api.ListExportsAsync(cancellationToken))
            .FirstOrDefault(export => export.Volume == done.Request.Subject && export.Transport == done.Results.GetValueOrDefault("transport"));
        if (export?.Address is not Uri address)
        {
            return;
        }

        output.WriteLine($"address  {address}");
        foreach ((string purpose, string line) in export.Lines)
        {
            output.WriteLine($"# {purpose}");   // on a line of its own, so that the other can be copied whole
            output.WriteLine(line);
        }
    }
}

internal sealed class ExportRemove : ChangeVerb
{
    private readonly Argument<VolumeAddress> _volume;
    private readonly Option<string?> _transport = new("--transport") { Description = "Only by this transport.", HelpName = "NAME" };

    public ExportRemove()
        : base("export remove", "End the export of a volume. Hosts that have it lose it.\n\nExample: evestorage export remove vm1")
    {
        _volume = Add(Arguments.Volume());
        Add(_transport);
    }

    protected override async Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
    {
        VolumeAddress address = parsed.GetValue(_volume)!;
        return new RemoveExport { Pool = await PoolOfAsync(address, api, cancellationToken), Volume = address.Volume, Transport = parsed.GetValue(_transport) };
    }
}
