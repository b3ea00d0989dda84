using System.Text.RegularExpressions;
using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>This machine's containerd and runc as a drive of a guest, whose own image is without them, and an archive of an image of OCI.</summary>
internal static partial class ContainerdDrive
{
    private static readonly string[] s_programs = ["containerd", "containerd-shim-runc-v2", "ctr", "runc"];

    /// <summary>In a script: has them as commands, and a containerd that keeps its layers with us under <c>eve.storage</c>.</summary>
    internal const string Start = """
        mkdir -p /containerd && mount -t erofs -o ro $(lab-disk containerd) /containerd
        ln -s /containerd/bin/* /usr/local/bin/ && cp -n /containerd/lib/* /usr/lib/
        cat > /root/containerd.toml <<'T'
        version = 2
        root = "/root/containerd"
        disabled_plugins = ["io.containerd.grpc.v1.cri"]
        [proxy_plugins."eve.storage"]
          type = "snapshot"
          address = "/run/evestorage/snapshots.sock"
        T
        setsid containerd -c /root/containerd.toml -l error > /root/containerd.log 2>&1 < /dev/null &
        for i in $(seq 120); do ctr version > /dev/null 2>&1 && break; sleep 1; done
        ctr images import --snapshotter eve.storage /containerd/image.tar > /dev/null || { cat /root/containerd.log >&2; exit 1; }
        """;

    /// <summary>Makes it.</summary>
    internal static async Task<string> MakeAsync(TemporaryDirectory place)
    {
        string root = place["containerd"];
        string programs = Directory.CreateDirectory(Path.Combine(root, "bin")).FullName;
        string libraries = Directory.CreateDirectory(Path.Combine(root, "lib")).FullName;
        foreach (string name in s_programs)
        {
            string path = (Command.Find(name) ?? throw new InvalidOperationException($"this machine has no {name}: install containerd and runc")).Path;
            File.Copy(path, Path.Combine(programs, name));
            foreach (Match library in Library().Matches(await Programs.OutputAsync("ldd", path)))
            {
                File.Copy(library.Value, Path.Combine(libraries, Path.GetFileName(library.Value)), overwrite: true);
            }
        }

        await OciArchive.WriteAsync(Path.Combine(root, "image.tar"));
        string drive = place["containerd.erofs"];
        await Programs.OutputAsync("mkfs.erofs", drive, root);
        return $"{drive},virtio,containerd,ro";
    }

    // What every guest has is left out: its version is that of the image.
    [GeneratedRegex(@"/\S+/(?!libc\.|ld-)lib[^/\s]+(?= \()")]
    private static partial Regex Library();
}
