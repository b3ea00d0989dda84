using System.CommandLine;
using EveStorage.Cli;
using EveStorage.Cli.Api;
using EveStorage.Cli.Profiles;
using EveStorage.Cli.Verbs;
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
            "Show the main job on this machine, without root and without touching anything but a directory of its own: make a pool, import an image, export it over NVMe/TCP to one host, read everything back as a guest would, and compare. With --profile it makes that profile's pool, the only one or the one called try, which must not be made yet, and removes it at the end; the directory of its own is then beneath that profile's State.\n\nExample: evestorage try debian.qcow2 --once")
    {
        Add(_image);
        Add(ImageFile.Format);
        Add(_once);
        Add(_keep);
    }

    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        string? given = invocation.Parsed.GetValue(_image);
        ProfileSource? profile = invocation.Parsed.GetValue(GlobalOptions.Profile) is string asked ? ProfileSource.Read(asked) : null;
        using TryDirectory directory = new(invocation.Parsed.GetValue(_keep), StateOf(profile));
        string path = given ?? await SampleImage.MakeAsync(directory.Path, cancellationToken);
        return await RunAsync(invocation, profile, directory, path, cancellationToken);
    }

    private static string? StateOf(ProfileSource? profile)
        => profile?.Merged["State"] is not { Length: > 0 } state ? null
            : Path.IsPathRooted(state) ? state
            : throw new StorageException(StorageErrorKind.InvalidConfiguration, profile.Name, $"State: '{state}' has to be an absolute path");

    private async Task<int> RunAsync(Invocation invocation, ProfileSource? given, TryDirectory directory, string path, CancellationToken cancellationToken)
    {
        using SafeFileHandle image = ImageFile.OpenToRead(path);
        (ProfileSource source, PoolName pool) = given is not null
            ? TryProfile.Of(given, directory)
            : (directory.Profile, new(TryProfile.Pool));
        Problems problems = new();
        Profile profile = ProfileReader.Read(source, problems);
        problems.ThrowIfAny(profile.Name);
        await using StorageEngine engine = StorageEngine.Open(
            profile, PluginCatalog.Load(profile.Plugins), static logging => logging.AddConsoleToError(LogLevel.Warning));
        await engine.ServeAsync(cancellationToken);
        IStorageApi api = engine.For(new Caller(FileOwner.Ours));
        await RequireNoPoolAsync(api, pool, cancellationToken);
        Tried tried = new(invocation, directory, api, pool, path, image);
        try
        {
            return await RunAsync(tried, cancellationToken);
        }
        finally
        {
            // What lies in the directory goes with it; a profile's pool may lie elsewhere.
            if (tried.MadePool && source != directory.Profile && !invocation.Parsed.GetValue(_keep))
            {
                await RemoveAsync(tried);
            }
        }
    }

    private async Task<int> RunAsync(Tried tried, CancellationToken cancellationToken)
    {
        (Invocation invocation, TryDirectory directory, IStorageApi api, PoolName pool, string path, SafeFileHandle image) = tried;
        string name = Path.GetFileName(path);
        string? format = invocation.Parsed.GetValue(ImageFile.Format);
        ImageReport report = await api.InspectImageAsync(image, name, format, cancellationToken);
        directory.RequireSpace(report.DataSize ?? report.VirtualSize);
        TryReport told = new(invocation.Json ? TextWriter.Null : invocation.Output, directory, name, report);

        await tried.DoAsync(new CreatePool { Pool = pool }, null, cancellationToken);
        tried.MadePool = true;
        OperationReport imported = await tried.DoAsync(
            new ImportImage { Pool = pool, Volume = s_volume, ImageName = name, Format = report.Format, Verify = true }, image, cancellationToken);
        told.Imported(imported);
        HostNqn host = new($"nqn.2014-08.org.nvmexpress:uuid:{Guid.NewGuid()}");
        OperationReport exported = await tried.DoAsync(
            new AddExport { Pool = pool, Volume = s_volume, AllowedHosts = new Dictionary<string, string?> { [$"{host}"] = null } }, null, cancellationToken);
        NvmeTcpOptions guest = new() { Port = await PortAsync(api, cancellationToken), Subsystem = new(exported.Results["subsystem"]), Host = host, HostId = Guid.NewGuid() };
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
    }

    private static async Task RequireNoPoolAsync(IStorageApi api, PoolName pool, CancellationToken cancellationToken)
    {
        if ((await api.ListPoolsAsync(cancellationToken)).Any(made => made.Name == pool && made.Created))
        {
            throw new StorageException(StorageErrorKind.Conflict, $"{pool}", "is made: a try makes a pool of its own, and removes it");
        }
    }

    private static async Task<int> PortAsync(IStorageApi api, CancellationToken cancellationToken)
        => (await api.ListExportsAsync(cancellationToken)).Single().Address is Uri { Scheme: "tcp" } address
            ? address.Port
            : throw new StorageException(StorageErrorKind.NotSupported, "try", "reads back over NVMe/TCP, and the profile's transport serves otherwise");

    // What went wrong before is what a person has to hear first: what can't be removed then is told, and thrown no more.
    private static async Task RemoveAsync(Tried tried)
    {
        try
        {
            if ((await tried.Api.ListExportsAsync(CancellationToken.None)).Count > 0)
            {
                await tried.DoAsync(new RemoveExport { Pool = tried.Pool, Volume = s_volume }, null, CancellationToken.None);
            }

            if ((await tried.Api.ListVolumesAsync(tried.Pool, CancellationToken.None)).Any(volume => volume.Name == s_volume))
            {
                await tried.DoAsync(new DeleteVolume { Pool = tried.Pool, Volume = s_volume }, null, CancellationToken.None);
            }

            await tried.DoAsync(new DeletePool { Pool = tried.Pool }, null, CancellationToken.None);
        }
        catch (StorageException e)
        {
            await tried.Invocation.Error.WriteLineAsync($"evestorage: {tried.Pool}: what was tried is left there: {e.Message}");
        }
    }

    private sealed record Tried(Invocation Invocation, TryDirectory Directory, IStorageApi Api, PoolName Pool, string Path, SafeFileHandle Image)
    {
        /// <summary>Whether the pool is this try's to remove.</summary>
        internal bool MadePool { get; set; }

        internal async Task<OperationReport> DoAsync(ChangeRequest request, SafeFileHandle? handle, CancellationToken cancellationToken)
        {
            OperationReport ended = await OperationWatch.RunAsync(Invocation, Api, request, handle, cancellationToken);
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
