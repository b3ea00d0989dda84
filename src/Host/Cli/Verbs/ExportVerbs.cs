using System.CommandLine;
using EveStorage.Host.Api;

namespace EveStorage.Host.Cli.Verbs;

internal sealed class ExportAdd : ChangeVerb
{
    private readonly Argument<VolumeAddress> _volume;
    private readonly Option<string[]> _hosts = new("--host")
    {
        Description = "The NQN of a host that may connect; give it once for each. Nobody else can.",
        HelpName = "NQN",
        Required = true,
    };

    private readonly Option<string?> _transport = new("--transport") { Description = "The transport, by its name in the profile; needed when that has several.", HelpName = "NAME" };
    private readonly Option<string?> _subsystem = new("--subsystem") { Description = "A subsystem to share with other volumes. Without it the volume has one of its own.", HelpName = "NQN" };
    private readonly Option<int?> _namespace = new("--nsid") { Description = "Its number in the subsystem. Without it the lowest that is free.", HelpName = "NUMBER" };
    private readonly Option<bool> _readOnly = new("--read-only") { Description = "Refuse writes." };

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
    }

    protected override async Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
    {
        VolumeAddress address = parsed.GetValue(_volume)!;
        return new AddExport
        {
            Pool = await PoolOfAsync(address, api, cancellationToken),
            Volume = address.Volume,
            AllowedHosts = parsed.GetValue(_hosts)!.Distinct().ToDictionary(host => host, static _ => (string?)null),
            Transport = parsed.GetValue(_transport),
            Subsystem = parsed.GetValue(_subsystem),
            NamespaceId = parsed.GetValue(_namespace),
            ReadOnly = parsed.GetValue(_readOnly),
        };
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
