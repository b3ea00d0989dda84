using Microsoft.Extensions.Options;

namespace EveStorage.ContainerdSnapshotter;

/// <summary>Where containerd asks, and where its layers lie.</summary>
public sealed class ContainerdSnapshotterOptions
{
    /// <summary>The socket that containerd's <c>proxy_plugins</c> names.</summary>
    public string Socket { get; set; } = "/run/evestorage/snapshots.sock";

    /// <summary>The directory that layers lie in: in a file system of its own, whose quota is that of all layers together.</summary>
    public string Directory { get; set; } = "";

    /// <summary>How many snapshots there may be of each name that containerd gives its snapshotter.</summary>
    public int MaxSnapshots { get; set; } = 20_000;
}

/// <summary>Says every wrong value at once, with what is allowed.</summary>
internal sealed class ContainerdSnapshotterOptionsValidator : IValidateOptions<ContainerdSnapshotterOptions>
{
    /// <summary>sockaddr_un has room for so much: unix(7).</summary>
    private const int MaxSocket = 107;

    /// <inheritdoc/>
    public ValidateOptionsResult Validate(string? name, ContainerdSnapshotterOptions options)
    {
        ValidateOptionsResultBuilder result = new();
        if (!Path.IsPathRooted(options.Socket) || options.Socket.Length > MaxSocket)
        {
            result.AddError($"has to be an absolute path of {MaxSocket} letters at most", nameof(ContainerdSnapshotterOptions.Socket));
        }

        // A colon and a comma are the kernel's between the layers and the options of an overlay, and containerd escapes neither.
        if (!Path.IsPathRooted(options.Directory) || options.Directory.IndexOfAny([':', ',', '\\', '"']) >= 0)
        {
            result.AddError("has to be an absolute path without ':', ',', '\\' and '\"'", nameof(ContainerdSnapshotterOptions.Directory));
        }

        if (options.MaxSnapshots is < 1 or > 1_000_000)
        {
            result.AddError("has to be from 1 to 1000000", nameof(ContainerdSnapshotterOptions.MaxSnapshots));
        }

        return result.Build();
    }
}
