using EveStorage.Linux;

namespace EveStorage.Tests;

/// <summary>QEMU's tools, which make the images and say what is in them.</summary>
internal static class QemuImages
{
    /// <summary>9 MiB and a sector, so that no cluster size divides it.</summary>
    internal const long Size = 9437696;

    /// <summary>Makes an image with data, zeros and holes in it.</summary>
    internal static async Task MakeAsync(string path, ImageCase image)
    {
        await RunAsync("qemu-img", "create", "-q", "-f", "qcow2", "-o", image.Options, path, $"{image.Size}");
        await WriteAsync(path,
            "write -P 17 0 700000", "write -P 18 1048576 65536", "write -z 1060000 8000", "discard 131072 131072", $"write -P 20 {image.Size - 512} 512");
        if (image.Size >= Size)
        {
            await WriteAsync(path, "write -P 19 3000000 1234", "write -z 4194304 1048576");
        }

        if (image.Compressed)
        {
            string plain = path + ".plain";
            File.Move(path, plain);
            await RunAsync("qemu-img", "convert", "-q", "-c", "-f", "qcow2", "-O", "qcow2", "-o", image.Options, plain, path);
        }

        if (image.Snapshot)
        {
            await RunAsync("qemu-img", "snapshot", "-c", "before", path);
            await WriteAsync(path, "write -P 33 200000 300000");
        }
    }

    /// <summary>Runs commands of QEMU's I/O tool on an image.</summary>
    internal static Task WriteAsync(string path, params string[] commands)
        => RunAsync("qemu-io", ["-f", "qcow2", .. commands.SelectMany(command => (string[])["-c", command]), path]);

    /// <summary>Runs one of the tools, which a machine of a developer may be without.</summary>
    internal static Task RunAsync(string program, params string[] arguments) => OutputAsync(program, arguments);

    /// <summary>The same, and what it prints.</summary>
    internal static async Task<string> OutputAsync(string program, params string[] arguments)
    {
        Command? command = Command.Find(program);
        Assert.SkipUnless(command is not null || Environment.GetEnvironmentVariable("CI") == "true", $"{program} of qemu-utils is missing");
        return await command.ShouldNotBeNull().RunAsync(arguments, TestContext.Current.CancellationToken);
    }
}

/// <summary>What kind of image to make.</summary>
/// <param name="Options">As <c>qemu-img create -o</c> takes them.</param>
/// <param name="Compressed">Whether its clusters are.</param>
/// <param name="Snapshot">Whether it has a snapshot within, and was written to since.</param>
/// <param name="Size">The size of its disk.</param>
internal sealed record ImageCase(string Options, bool Compressed = false, bool Snapshot = false, long Size = QemuImages.Size)
{
    /// <summary>All that QEMU can make of versions, cluster sizes, compressions, extended L2 entries, preallocations and snapshots.</summary>
    internal static IEnumerable<ImageCase> All()
        => from clusterSize in (string[])["512", "16k", "64k", "2M"]
           from version in (string[])["compat=0.10", "compat=1.1", "compat=1.1,extended_l2=on", "compat=1.1,lazy_refcounts=on", "compat=1.1,refcount_bits=1"]
           where !version.Contains("extended") || clusterSize != "512"
           from content in (string[])["", "preallocation=metadata", "preallocation=falloc", "preallocation=full", "compression_type=zlib", "compression_type=zstd"]
           where !version.Contains("0.10") || !content.Contains("compression")
           from snapshot in (bool[])[false, true]
           where !snapshot || !version.Contains("refcount_bits")
           from size in (long[])[QemuImages.Size, 8 << 20]
           select new ImageCase($"cluster_size={clusterSize},{version}{(content.Length > 0 ? "," : "")}{content}", content.Contains("compression"), snapshot, size);

    /// <summary>Few of them, in which each value of each is.</summary>
    internal static IEnumerable<ImageCase> Few()
        =>
        [
            new("compat=0.10"),
            new("compat=0.10,cluster_size=512", Snapshot: true),
            new("compat=0.10", Compressed: true),
            new("compat=1.1,cluster_size=512", Compressed: true),
            new("compat=1.1,cluster_size=2M,compression_type=zstd", Compressed: true, Snapshot: true),
            new("compat=1.1,compression_type=zstd", Compressed: true),
            new("compat=1.1,extended_l2=on,cluster_size=16k", Snapshot: true),
            new("compat=1.1,extended_l2=on,cluster_size=128k,compression_type=zstd", Compressed: true),
            new("compat=1.1,preallocation=metadata", Size: 8 << 20),
            new("compat=1.1,preallocation=falloc,lazy_refcounts=on"),
        ];
}
