using EveStorage.Linux;

namespace EveStorage.Nvmet;

/// <summary>Makes and removes namespaces: the one order of attributes that the kernel takes, and an end that waits for hosts but not for ever.</summary>
internal sealed class NamespaceTree(NvmetTree tree, TimeSpan drain)
{
    /// <summary>Makes and enables one.</summary>
    internal void Make(NvmetNamespace wanted, Guid operation)
    {
        string path = tree.PathOf(wanted.Subsystem, wanted.Number);
        tree.Marks.Make(path, operation, () => Configfs.Make(path));
        string id = wanted.Id.ToString("D");
        Configfs.Write($"{path}/device_path", wanted.DevicePath!);
        Configfs.Write($"{path}/device_uuid", id);
        Configfs.Write($"{path}/device_nguid", id);
        try
        {
            Configfs.Write($"{path}/enable", "1");
        }
        catch (StorageException e)
        {
            throw new StorageException(e.Kind, wanted.DevicePath!, $"could not be served as number {wanted.Number} of {wanted.Subsystem}; is it there, and not in use otherwise?", e);
        }
    }

    /// <summary>Removes one, once what hosts are doing has ended. Hosts that don't end it are cut off, and connect again without it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: the device answers to nobody; hosts have it still.</exception>
    internal async Task RemoveAsync(NvmetNamespace there, CancellationToken cancellationToken)
    {
        string path = tree.PathOf(there.Subsystem, there.Number);
        if (there.Enabled)
        {
            await BackingDevice.RequireAnswersAsync(there.DevicePath, drain, cancellationToken);
            await DisableAsync(there, path, cancellationToken);
        }

        tree.Remove(path);
    }

    // The kernel lets this write wait for every command of every host.
    private async Task DisableAsync(NvmetNamespace there, string path, CancellationToken cancellationToken)
    {
        WaitingCall disabling = WaitingCall.Start(() => Configfs.Write($"{path}/enable", "0"));
        if (await disabling.EndsAsync(drain, cancellationToken))
        {
            return;
        }

        bool ended;
        Cut cut = new(tree, there.Subsystem);
        cut.Stop();
        try
        {
            ended = await disabling.EndsAsync(drain, cancellationToken);
        }
        finally
        {
            cut.Resume();
        }

        if (!ended)
        {
            throw new StorageException(
                StorageErrorKind.Busy, there.DevicePath ?? path, $"has commands that don't end, also without their hosts; number {there.Number} of {there.Subsystem} goes when they do: look at the device");
        }
    }
}
