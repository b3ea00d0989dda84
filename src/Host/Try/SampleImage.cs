using EveStorage.Linux;

namespace EveStorage.Host.Try;

/// <summary>A small qcow2 with an ext4 file system in it, for who has no image at hand. mkfs.ext4 is on every Debian; qemu-img is not.</summary>
internal static class SampleImage
{
    private static readonly ByteSize s_size = ByteSize.MiB(64);

    /// <summary>Makes it in <paramref name="directory"/>.</summary>
    /// <returns>Its path.</returns>
    /// <exception cref="StorageException">mkfs.ext4 is missing, or failed.</exception>
    internal static async Task<string> MakeAsync(string directory, CancellationToken cancellationToken)
    {
        Command mkfs = Command.Find("mkfs.ext4")
            ?? throw new StorageException(StorageErrorKind.Unavailable, "mkfs.ext4", "is missing: install e2fsprogs, or give an image");
        string content = Path.Combine(directory, "content");
        string raw = Path.Combine(directory, "sample.raw");
        Directory.CreateDirectory(content);
        await File.WriteAllTextAsync(Path.Combine(content, "hello.txt"), "This file came over NVMe/TCP.\n", cancellationToken);
        await using (FileStream file = File.Create(raw))
        {
            file.SetLength(s_size.Bytes);
        }

        await mkfs.RunAsync(["-q", "-F", "-L", "evestorage", "-d", content, raw], cancellationToken);
        string image = Path.Combine(directory, "sample.qcow2");
        await using (FileStream disk = File.OpenRead(raw))
        await using (FileStream target = File.Create(image))
        {
            Qcow2Writer.Write(disk, target);
        }

        File.Delete(raw);
        Directory.Delete(content, recursive: true);
        return image;
    }
}
