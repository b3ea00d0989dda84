using EveStorage.Cli;
using EveStorage.Cli.Api;
using EveStorage.Cli.Client;
using EveStorage.Cli.Profiles;

namespace EveStorage.Client;

/// <summary>A daemon of this version that has read the very settings that are here now, so that they need not be judged again.</summary>
internal sealed class DaemonSession : Session
{
    private DaemonSession(RemoteApi api)
        : base(api)
    {
    }

    /// <summary>Finds it.</summary>
    /// <exception cref="NoSessionException">There is none, or none that the full program would not have something to say about first.</exception>
    internal static async Task<Session> OpenAsync(string? profileName, bool looksAtImage, TextWriter error, CancellationToken cancellationToken)
    {
        try
        {
            ProfileSource source = ProfileSource.Read(profileName);
            if (await RemoteApi.TryConnectAsync(source.Socket, cancellationToken) is RemoteApi remote)
            {
                HostReport host = await remote.GetHostAsync(cancellationToken);
                if (host.Version == ProgramVersion.Ours && host.Configuration == source.Fingerprint && (profileName is null || host.Profile == source.Name))
                {
                    return new DaemonSession(remote);
                }

                await remote.DisposeAsync();
            }
        }
        catch (StorageException)
        {
            // the full program meets the same, and says it
        }

        throw new NoSessionException();
    }
}
