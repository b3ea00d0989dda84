using System.CommandLine;
using EveStorage.Host.Api;
using EveStorage.Host.Engine;
using EveStorage.Host.Images;
using EveStorage.Host.Operations;
using EveStorage.Host.Plugins;
using EveStorage.Host.Profiles;
using EveStorage.Host.Try;
using EveStorage.Linux;
using EveStorage.NvmeOf;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Cli.Verbs;

internal sealed class TryVerb : CliVerb
{
    private static readonly PoolName s_pool = new("try");
    private static readonly VolumeName s_volume = new("disk");

    private readonly Argument<string?> _image = new("image")
    {
        Description = "An image of your own. Without one, a small qcow2 with a file system is made.",
        HelpName = "IMAGE",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<bool> _once = new("--once") { Description = "Leave when everything has been read back, and don't wait for Ctrl-C." };
    private readonly Option<bool> _keep = new("--keep") { Description = "Leave the pool where it is." };

    public TryVerb()
        : base(
            "try",
            "Show the main job on this machine, without root and without touching anything but a directory of its own: make a pool, import an image, export it over NVMe/TCP to one host, read everything back as a guest would, and compare.\n\nExample: evestorage try debian.qcow2 --once")
    {
        Add(_image);
        Add(ImageFile.Format);
        Add(_once);
        Add(_keep);
    }

    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        string? given = invocation.Parsed.GetValue(_image);
        using TryDirectory directory = new(invocation.Parsed.GetValue(_keep));
        string path = given ?? await SampleImage.MakeAsync(directory.Path, cancellationToken);
        return await RunAsync(invocation, directory, path, cancellationToken);
    }

    private async Task<int> RunAsync(Invocation invocation, TryDirectory directory, string path, CancellationToken cancellationToken)
    {
        using SafeFileHandle image = ImageFile.OpenToRead(path);
        Problems problems = new();
        Profile profile = ProfileReader.Read(directory.Profile, problems);
        problems.ThrowIfAny(profile.Name);
        await using StorageEngine engine = StorageEngine.Open(
            profile, PluginCatalog.Load(profile.Plugins), static logging => logging.AddConsoleToError(LogLevel.Warning));
        await engine.ServeAsync(cancellationToken);
        IStorageApi api = engine.For(new Caller(FileOwner.Ours));
        string name = Path.GetFileName(path);
        string? format = invocation.Parsed.GetValue(ImageFile.Format);
        ImageReport report = await api.InspectImageAsync(image, name, format, cancellationToken);
        directory.RequireSpace(report.DataSize ?? report.VirtualSize);
        TryReport told = new(invocation.Json ? TextWriter.Null : invocation.Output, directory, name, report);

        await DoAsync(new CreatePool { Pool = s_pool }, null);
        OperationReport imported = await DoAsync(
            new ImportImage { Pool = s_pool, Volume = s_volume, ImageName = name, Format = report.Format, Verify = true }, image);
        told.Imported(imported);
        HostNqn host = new($"nqn.2014-08.org.nvmexpress:uuid:{Guid.NewGuid()}");
        OperationReport exported = await DoAsync(
            new AddExport { Pool = s_pool, Volume = s_volume, AllowedHosts = new Dictionary<string, string?> { [$"{host}"] = null } }, null);
        NvmeTcpOptions guest = new() { Port = directory.Port, Subsystem = new(exported.Results["subsystem"]), Host = host, HostId = Guid.NewGuid() };
        told.Exported(guest);
        string digest = await ReadBack.DigestAsync(guest, report.VirtualSize, cancellationToken);
        if (digest != imported.Results["sha256"])
        {
            throw new StorageException(StorageErrorKind.Corrupt, "try", $"read {digest} over NVMe/TCP and imported {imported.Results["sha256"]}");
        }

        told.ReadBack(digest);
        told.HowToConnect(guest);
        if (invocation.Json)
        {
            invocation.Answer(TryReport.Document(report, directory, imported, guest), static _ => { });
        }

        if (!invocation.Parsed.GetValue(_once))
        {
            told.Waiting();
            await WaitAsync(cancellationToken);
            told.Leaving(await api.ListExportsAsync(CancellationToken.None));
        }

        told.Last(invocation.Parsed.GetValue(_keep));
        return ExitCodes.Success;

        async Task<OperationReport> DoAsync(ChangeRequest request, SafeFileHandle? handle)
        {
            OperationReport ended = await OperationWatch.RunAsync(invocation, api, request, handle, cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            return ended.Error is ErrorReport error ? throw error.ToException() : ended;
        }
    }

    private static async Task WaitAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C is how a person says that it was enough
        }
    }
}
