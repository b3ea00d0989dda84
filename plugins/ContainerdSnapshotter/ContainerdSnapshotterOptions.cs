using System.Buffers;
using Microsoft.Extensions.Options;

namespace EveStorage.ContainerdSnapshotter;

/// <summary>Where containerd asks, and where its layers lie.</summary>
public sealed class ContainerdSnapshotterOptions
{
    /// <summary>The socket that containerd's <c>proxy_plugins</c> names.</summary>
    public string Socket { get; set; } = "/run/evestorage/snapshots.sock";

    /// <summary>The directory that layers lie in: in a file system of its own, whose quota is that of all layers together.</summary>
    public string Directory { get; set; } = "";

    /// <summary>What layers are. Those that are there stay what they are, and so does what is put on them.</summary>
    public LayerMode Mode { get; set; }

    /// <summary>How large a layer may become; where layers are file systems of their own, with all that it lies on.</summary>
    public ByteSize? LayerSize { get; set; }

    /// <summary>The kind of file system that a layer is where it is one of its own.</summary>
    public string FileSystem { get; set; } = "ext4";

    /// <summary>Whether a layer that lies on nothing is a file system of its own.</summary>
    internal bool AreClones => Mode == LayerMode.Clone || (Mode == LayerMode.Auto && LayerSize is not null);

    /// <summary>How many snapshots there may be of each name that containerd gives its snapshotter.</summary>
    public int MaxSnapshots { get; set; } = 20_000;

    /// <summary>The size of a layer that is a file system of its own, where nothing else is said. Only what is written takes room.</summary>
    internal static ByteSize OrdinarySize { get; } = ByteSize.GiB(10);
}

/// <summary>Says every wrong value at once, with what is allowed.</summary>
internal sealed class ContainerdSnapshotterOptionsValidator : IValidateOptions<ContainerdSnapshotterOptions>
{
    /// <summary>sockaddr_un has room for so much: unix(7).</summary>
    private const int MaxSocket = 107;

    // A colon and a comma are the kernel's between the layers and the options of an overlay, and containerd escapes neither.
    private static readonly SearchValues<char> s_refused = SearchValues.Create(":,\\\"");

    /// <summary>Whether layers can lie beneath <paramref name="directory"/>.</summary>
    internal static bool CanHold(string directory) => Path.IsPathRooted(directory) && !directory.AsSpan().ContainsAny(s_refused);

    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, ContainerdSnapshotterOptions options)
    {
        ValidateOptionsResultBuilder result = new();
        if (!Path.IsPathRooted(options.Socket) || options.Socket.Length > MaxSocket)
        {
            result.AddError($"has to be an absolute path of {MaxSocket} letters at most", nameof(ContainerdSnapshotterOptions.Socket));
        }

        if (!CanHold(options.Directory))
        {
            result.AddError("has to be an absolute path without ':', ',', '\\' and '\"'", nameof(ContainerdSnapshotterOptions.Directory));
        }

        if (ImageKind.All.FirstOrDefault(kind => kind.Name == options.FileSystem) is not ImageKind kind)
        {
            result.AddError($"has to be {string.Join(" or ", ImageKind.All.Select(kind => kind.Name))}", nameof(ContainerdSnapshotterOptions.FileSystem));
        }
        else if (options.LayerSize is ByteSize size && (size < kind.Least || size.Bytes % 4096 != 0))
        {
            result.AddError($"has to be {kind.Least} at least for {kind.Name}, and a multiple of 4KiB", nameof(ContainerdSnapshotterOptions.LayerSize));
        }

        if (options.Mode == LayerMode.Overlay && options.LayerSize is not null)
        {
            result.AddError("can't be kept to by directories: leave it out, or set Mode to Clone", nameof(ContainerdSnapshotterOptions.LayerSize));
        }

        if (options.MaxSnapshots is < 1 or > 1_000_000)
        {
            result.AddError("has to be from 1 to 1000000", nameof(ContainerdSnapshotterOptions.MaxSnapshots));
        }

        return result.Build();
    }
}
