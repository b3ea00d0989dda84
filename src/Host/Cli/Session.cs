using EveStorage.Host.Api;
using EveStorage.Host.Client;
using EveStorage.Host.Engine;
using EveStorage.Host.Operations;
using EveStorage.Host.Plugins;
using EveStorage.Host.Profiles;
using EveStorage.Linux;
using Microsoft.Extensions.Logging;

namespace EveStorage.Host.Cli;

/// <summary>Who does what a verb asks: the daemon where one runs, else an engine in this process, with the same locks and journal.</summary>
internal sealed class Session : IAsyncDisposable
{
    private readonly StorageEngine? _engine;

    private Session(IStorageApi api, StorageEngine? engine)
    {
        Api = api;
        _engine = engine;
    }

    /// <summary>Answers.</summary>
    internal IStorageApi Api { get; }

    /// <summary>Finds the daemon, or opens an engine and finishes what a crash left.</summary>
    internal static async Task<Session> OpenAsync(string? profileName, TextWriter error, CancellationToken cancellationToken)
    {
        Problems problems = new();
        Profile profile = ProfileReader.Read(ProfileSource.Read(profileName), problems);
        problems.ThrowIfAny(profile.Name);
        if (await RemoteApi.TryConnectAsync(profile.Api.Socket, cancellationToken) is RemoteApi remote)
        {
            HostReport host = await remote.GetHostAsync(cancellationToken);
            if (host.Version != LocalApi.Version)
            {
                await error.WriteLineAsync($"evestorage: the daemon has version {host.Version} and this command {LocalApi.Version}: restart the daemon");
            }

            if (profileName is not null && host.Profile != profile.Name)
            {
                throw new StorageException(StorageErrorKind.Conflict, profile.Name, $"is not the daemon's profile, which is {host.Profile}: stop the daemon, or leave --profile out");
            }

            return new(remote, null);
        }

        StorageEngine engine = StorageEngine.Open(profile, PluginCatalog.Load(profile.Plugins), static logging => logging.AddConsoleToError(LogLevel.Warning));
        await engine.RecoverAsync(cancellationToken);
        return new(engine.For(new Caller(FileOwner.Ours)), engine);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Api.DisposeAsync();
        if (_engine is not null)
        {
            await _engine.DisposeAsync();
        }
    }
}
