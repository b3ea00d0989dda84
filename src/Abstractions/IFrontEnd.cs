namespace EveStorage;

/// <summary>
/// Serves something of its own while the daemon runs, such as container layers to containerd. Constructing one touches nothing. The host starts
/// it once what the profile mounts is mounted, and disposes it before pools and transports are closed. Disposing ends it and returns when it
/// answers no more, whether it was started or not. What goes wrong meanwhile it tells by <see cref="PluginServices.Events"/>.
/// </summary>
/// <remarks>
/// It lies on what the machine has, such as a mounted file system: <see cref="PluginServices"/> has no pool for it. One that wants volumes of its
/// own asks for them as any other program does, by the daemon's socket.
/// </remarks>
public interface IFrontEnd : IAsyncDisposable
{
    /// <summary>Everything missing on this machine; empty when usable. It only looks.</summary>
    ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Starts it, and returns when it answers; it does so until it is disposed, not until <paramref name="cancellationToken"/> is cancelled, which
    /// stops starting alone. It is called once, after a probe that found nothing missing. When it throws the host disposes it and tries
    /// another one later, since what is lacking may come, such as a file system in a pool that is still locked.
    /// </summary>
    /// <exception cref="StorageException">It can't, and leaves nothing: no process, no socket, no mount.
    /// <see cref="StorageErrorKind.Unavailable"/>: something has to come first. <see cref="StorageErrorKind.Conflict"/>: what it would answer at is someone else's.
    /// <see cref="StorageErrorKind.InvalidConfiguration"/>: a person has to change the profile.</exception>
    ValueTask StartAsync(CancellationToken cancellationToken);
}
