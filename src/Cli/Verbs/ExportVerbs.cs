using System.CommandLine;
using EveStorage.Cli.Api;

namespace EveStorage.Cli.Verbs;

internal sealed class ExportAdd : ChangeVerb
{
    private readonly Argument<VolumeAddress> _volume;
    private readonly Option<string[]> _hosts = ExportOptions.Hosts("The NQN of a host that may connect; give it once for each. Nobody else can but whom an earlier `export add` named. A host with a key has to prove it, and with a controller's key the target does in turn. Left out only for a transport that serves this machine alone.");
    private readonly Option<string?> _transport = new("--transport") { Description = "The transport, by its name in the profile; needed when that has several.", HelpName = "NAME" };
    private readonly Option<string?> _subsystem = new("--subsystem") { Description = "A subsystem to share with other volumes. Without it the volume has one of its own.", HelpName = "NQN" };
    private readonly Option<int?> _namespace = Arguments.NumberOption("--nsid", "Its number in the subsystem. Without it the lowest that is free.");
    private readonly Option<bool> _readOnly = new("--read-only") { Description = "Refuse writes." };
    private readonly Option<long?> _iops = Arguments.CountOption("--iops", "The most reads and writes in a second.");
    private readonly Option<ByteSize?> _bandwidth = Arguments.SizeOption("--bandwidth", "The most bytes read or written in a second.");

    public ExportAdd()
        : base(
            "export add",
            "Serve a volume to hosts. It is served again at each start, until `export remove`. Where it is exported already, the hosts get access beside those that have it, and nothing else changes: `export set` changes it, and `export remove --host` takes a host away.\n\nExample: evestorage export add vm1 --host nqn.2014-08.org.nvmexpress:uuid:00000000-0000-0000-0000-000000000001")
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
        IReadOnlyList<HostOption> hosts = HostOption.ParseAll(parsed.GetValue(_hosts) ?? []);
        return new AddExport
        {
            Pool = await PoolOfAsync(address, api, cancellationToken),
            Volume = address.Volume,
            AllowedHosts = HostOption.KeysOf(hosts),
            ControllerKeys = HostOption.ControllerKeysOf(hosts),
            Limits = ExportOptions.Limits(parsed.GetValue(_iops), parsed.GetValue(_bandwidth)),
            Transport = parsed.GetValue(_transport),
            Subsystem = parsed.GetValue(_subsystem),
            NamespaceId = parsed.GetValue(_namespace),
            ReadOnly = parsed.GetValue(_readOnly) ? true : null,
        };
    }

    protected override Task TellMoreAsync(TextWriter output, IStorageApi api, OperationReport done, CancellationToken cancellationToken)
        => ExportOptions.TellAsync(output, api, done, cancellationToken);
}

internal sealed class ExportSet : ChangeVerb
{
    private readonly Argument<VolumeAddress> _volume;
    private readonly Option<string[]> _hosts = ExportOptions.Hosts("The NQN of a host that may connect; give it once for each. These are all of them from then on: whoever is not named loses access.");
    private readonly Option<string?> _transport = new("--transport") { Description = "Its export by this transport; needed when it has several.", HelpName = "NAME" };
    private readonly Option<bool> _readOnly = new("--read-only") { Description = "Refuse writes." };
    private readonly Option<bool> _readWrite = new("--read-write") { Description = "Take writes again." };
    private readonly Option<long?> _iops = Arguments.CountOption("--iops", "The most reads and writes in a second; 0 for no limit.");
    private readonly Option<ByteSize?> _bandwidth = Arguments.SizeOption("--bandwidth", "The most bytes read or written in a second; 0 for no limit.");

    public ExportSet()
        : base(
            "export set",
            "Change an export in place: who may connect, whether it takes writes, its limits. What is not given stays. `--plan` shows who gets and who loses access.\n\nExample: evestorage export set vm1 --read-only --iops 500")
    {
        _volume = Add(Arguments.Volume());
        Add(_hosts);
        Add(_transport);
        Add(_readOnly);
        Add(_readWrite);
        Add(_iops);
        Add(_bandwidth);
        Command.Validators.Add(result =>
        {
            if (result.GetValue(_readOnly) && result.GetValue(_readWrite))
            {
                result.AddError("give --read-only or --read-write, and not both");
            }

            if (result.GetValue(_hosts) is null or [] && !result.GetValue(_readOnly) && !result.GetValue(_readWrite) && result.GetResult(_iops) is null && result.GetResult(_bandwidth) is null)
            {
                result.AddError("nothing is to be changed: give --host, --read-only, --read-write, --iops or --bandwidth");
            }
        });
    }

    protected override async Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
    {
        VolumeAddress address = parsed.GetValue(_volume)!;
        IReadOnlyList<HostOption> hosts = HostOption.ParseAll(parsed.GetValue(_hosts) ?? []);
        return new SetExport
        {
            Pool = await PoolOfAsync(address, api, cancellationToken),
            Volume = address.Volume,
            AllowedHosts = hosts.Count == 0 ? null : HostOption.KeysOf(hosts),
            ControllerKeys = HostOption.ControllerKeysOf(hosts),
            Limits = ExportOptions.Limits(parsed.GetValue(_iops), parsed.GetValue(_bandwidth)),
            Transport = parsed.GetValue(_transport),
            ReadOnly = parsed.GetValue(_readOnly) ? true : parsed.GetValue(_readWrite) ? false : null,
        };
    }

    protected override Task TellMoreAsync(TextWriter output, IStorageApi api, OperationReport done, CancellationToken cancellationToken)
        => ExportOptions.TellAsync(output, api, done, cancellationToken);
}

internal sealed class ExportRemove : ChangeVerb
{
    private readonly Argument<VolumeAddress> _volume;
    private readonly Option<string[]> _hosts = new("--host") { Description = "Only for this host, which is cut off; give it once for each. The export goes on for the others.", HelpName = "NQN" };
    private readonly Option<string?> _transport = new("--transport") { Description = "Only by this transport.", HelpName = "NAME" };

    public ExportRemove()
        : base("export remove", "End the export of a volume, or take hosts away from it. Hosts that have it lose it.\n\nExample: evestorage export remove vm1")
    {
        _volume = Add(Arguments.Volume());
        Add(_hosts);
        Add(_transport);
    }

    protected override async Task<ChangeRequest> RequestAsync(ParseResult parsed, IStorageApi api, CancellationToken cancellationToken)
    {
        VolumeAddress address = parsed.GetValue(_volume)!;
        return new RemoveExport
        {
            Pool = await PoolOfAsync(address, api, cancellationToken),
            Volume = address.Volume,
            Transport = parsed.GetValue(_transport),
            Hosts = [.. HostOption.ParseAll(parsed.GetValue(_hosts) ?? []).Select(host => host.Nqn)],
        };
    }
}

/// <summary>What the verbs of exports have in common.</summary>
internal static class ExportOptions
{
    internal static Option<string[]> Hosts(string description) => new("--host") { Description = description, HelpName = "NQN[,key=NAME[,controller-key=NAME]]" };

    internal static ExportLimits? Limits(long? iops, ByteSize? bandwidth)
        => iops is null && bandwidth is null ? null : new() { Iops = iops, Bandwidth = bandwidth };

    /// <summary>Where the export is, to whom, and how to connect.</summary>
    internal static async Task TellAsync(TextWriter output, IStorageApi api, OperationReport done, CancellationToken cancellationToken)
    {
        ExportReport? export = (await api.ListExportsAsync(cancellationToken))
            .FirstOrDefault(export => export.Volume == done.Request.Subject && export.Transport == done.Results.GetValueOrDefault("transport"));
        if (export?.Address is not Uri address)
        {
            return;
        }

        output.WriteLine($"address  {address}");
        foreach (string host in export.AllowedHosts)
        {
            output.WriteLine($"host  {host}");
        }

        foreach ((string purpose, string line) in export.Lines)
        {
            output.WriteLine($"# {purpose}");   // on a line of its own, so that the other can be copied whole
            output.WriteLine(line);
        }
    }
}
