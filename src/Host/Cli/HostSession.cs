using EveStorage.Cli;
using EveStorage.Cli.Api;
using EveStorage.Cli.Client;
using EveStorage.Cli.Profiles;
using EveStorage.Host.Daemon;
using EveStorage.Host.Engine;
using EveStorage.Host.Locks;
using EveStorage.Host.Operations;
using EveStorage.Host.Plugins;
using EveStorage.Host.Profiles;
using EveStorage.Host.Worker;
using EveStorage.Linux;

namespace EveStorage.Host.Cli;

/// <summary>Who does what a verb asks: the daemon where one runs, else an engine in this process, with the same locks and journal.</summary>
internal sealed class HostSession : Session
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly StorageEngine? _engine;

    private HostSession(IStorageApi api, StorageEngine? engine, Profile profile)
        : base(api)
    {
        (_engine, Profile) = (engine, profile);
    }

    /// <summary>The profile.</summary>
    internal Profile Profile { get; }

    /// <summary>Finds the daemon, or opens an engine and finishes what a crash left.</summary>
    /// <param name="profileName">The profile; null for the usual one.</param>
    /// <param name="looksAtImage">Whether an image will be looked at: a worker then gets ready meanwhile.</param>
    /// <param name="error">Where warnings go.</param>
    /// <param name="cancellationToken">Stops it.</param>
    internal static async Task<Session> OpenAsync(string? profileName, bool looksAtImage, TextWriter error, CancellationToken cancellationToken)
    {
        Problems problems = new();
        Profile profile = ProfileReader.Read(ProfileSource.Read(profileName), problems);
        problems.ThrowIfAny(profile.Name);
        if (await FindDaemonAsync(profile, cancellationToken) is RemoteApi remote)
        {
            HostReport host = await remote.GetHostAsync(cancellationToken);
            if (host.Version != ProgramVersion.Ours)
            {
                await error.WriteLineAsync($"evestorage: the daemon has version {host.Version} and this command {ProgramVersion.Ours}: restart the daemon");
            }

            if (profileName is not null && host.Profile != profile.Name)
            {
                throw new StorageException(StorageErrorKind.Conflict, profile.Name, $"is not the daemon's profile, which is {host.Profile}: stop the daemon, or leave --profile out");
            }

            return new HostSession(remote, null, profile);
        }

        SpareWorker spare = SpareWorker.Once(looksAtImage);
        StorageEngine engine = StorageEngine.Open(profile, PluginCatalog.Load(profile.Plugins), static logging => logging.AddWarningsToError(), spare);
        await engine.RecoverAsync(cancellationToken);
        return new HostSession(engine.For(new Caller(FileOwner.Ours)), engine, profile);
    }

    // No socket is no proof: a daemon that starts has none yet, and one that stops has none any more and still undoes what ran.
    // Its lock is held all that time.
    private static async Task<RemoteApi?> FindDaemonAsync(Profile profile, CancellationToken cancellationToken)
    {
        string place = DaemonHost.PlaceOf(profile);
        for (long start = TimeProvider.System.GetTimestamp(); ; await Task.Delay(s_look, cancellationToken))
        {
            if (await RemoteApi.TryConnectAsync(profile.Api.Socket, cancellationToken) is RemoteApi remote)
            {
                return remote;
            }

            using HeldLock? nobody = HeldLock.TryTake(place, HeldLock.Holder("looks for a daemon"));
            if (nobody is not null)
            {
                return null;
            }

            if (TimeProvider.System.GetElapsedTime(start) >= s_patience)
            {
                throw new StorageException(StorageErrorKind.Busy, "daemon", $"is starting or stopping ({FileLock.HolderOf(place)}): try again when that is done");
            }
        }
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_engine is not null)
        {
            await _engine.DisposeAsync();
        }
    }
}
