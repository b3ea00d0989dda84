namespace EveStorage.FileSystems;

/// <summary>A kind of file system: how it is recognised, made and grown. What all kinds have in common is <see cref="FileSystemLayer"/>.</summary>
public abstract class FileSystemFormat
{
    /// <summary>Its name, for the kernel and for people: <c>ext4</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>The programs it needs.</summary>
    public abstract IReadOnlyList<string> Programs { get; }

    /// <summary>What the kernel needs for it: the module, and the option that builds it.</summary>
    public abstract (string Module, string Option) Kernel { get; }

    /// <summary>The smallest device that it is made on.</summary>
    public abstract ByteSize Least { get; }

    /// <summary>The capability of capabilities(7) that growing asks for beside those that mounting does; null for none.</summary>
    public virtual (int Number, string Name)? Growing => null;

    /// <summary>What the kernel is told when it is mounted.</summary>
    public abstract string MountData { get; }

    /// <summary>What the first <see cref="Superblock.HeadLength"/> bytes of a device say; null when they are of no such file system.</summary>
    public abstract Superblock? Read(ReadOnlySpan<byte> head);

    /// <summary>Makes one on a device whose content counts for nothing, and gives nothing back to the device.</summary>
    /// <param name="device">The device.</param>
    /// <param name="uuid">Its id.</param>
    /// <param name="label">Its label, of 11 letters at most.</param>
    /// <param name="keepsSpace">Whether all of the device's space was taken beforehand, and has to stay so.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="StorageException">It could not be made.</exception>
    public abstract Task MakeAsync(string device, Guid uuid, string label, bool keepsSpace, CancellationToken cancellationToken);

    /// <summary>Gives one that is not mounted another label.</summary>
    /// <exception cref="StorageException">It could not.</exception>
    public abstract Task LabelAsync(string device, string label, CancellationToken cancellationToken);

    /// <summary>Grows one that is mounted at <paramref name="point"/> into its device. One that fills it stays as it is.</summary>
    /// <exception cref="StorageException">It could not.</exception>
    public abstract Task GrowAsync(string device, string point, CancellationToken cancellationToken);
}
