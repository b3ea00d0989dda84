using System.Formats.Tar;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using EveStorage.Linux;

namespace EveStorage.Tests;

/// <summary>An archive of an image of two layers, as the image specification of OCI has it: a shell, and a file above it.</summary>
internal static class OciArchive
{
    internal const string Image = "docker.io/library/eve:1";

    private const UnixFileMode Executable = (UnixFileMode)0b111_101_101;

    private static readonly JsonSerializerOptions s_camel = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    /// <summary>Writes one to <paramref name="path"/>. Its programs are busybox's.</summary>
    internal static async Task WriteAsync(string path)
    {
        Command busybox = Command.Find("busybox") ?? throw new InvalidOperationException("busybox is needed: install busybox-static");
        byte[] programs = await LayerAsync(async tar =>
        {
            foreach (string name in (string[])["bin", "proc", "dev", "sys", "tmp", "data"])
            {
                await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.Directory, name) { Mode = Executable });
            }

            await using FileStream shell = File.OpenRead(busybox.Path);
            await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, "bin/busybox") { Mode = Executable, DataStream = shell });
            foreach (string name in (string[])["sh", "dd", "cat", "echo", "sleep", "rm", "sync"])
            {
                await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.SymbolicLink, $"bin/{name}") { LinkName = "busybox" });
            }
        });
        byte[] greeting = await LayerAsync(tar => tar.WriteEntryAsync(
            new PaxTarEntry(TarEntryType.RegularFile, "data/greeting") { DataStream = new MemoryStream("from the image\n"u8.ToArray()) }));

        await using FileStream file = File.Create(path);
        await using TarWriter archive = new(file, TarEntryFormat.Pax);
        Descriptor[] layers = [await AddAsync(archive, "layer.v1.tar", programs), await AddAsync(archive, "layer.v1.tar", greeting)];
        Descriptor configuration = await AddAsync(archive, "config.v1+json", Json(new
        {
            Architecture = RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "arm64" : "amd64",
            Os = "linux",
            Config = new Dictionary<string, string[]> { ["Cmd"] = ["/bin/sh"], ["Env"] = ["PATH=/bin"] },
            Rootfs = new Dictionary<string, object> { ["type"] = "layers", ["diff_ids"] = layers.Select(layer => layer.Digest) },
        }));
        Descriptor manifest = await AddAsync(
            archive, "manifest.v1+json", Json(new { SchemaVersion = 2, MediaType = Kind("manifest.v1+json"), Config = configuration, Layers = layers }));
        Dictionary<string, string> named = new() { ["io.containerd.image.name"] = Image };
        await AddAsync(archive, "index.v1+json", Json(new
        {
            SchemaVersion = 2,
            Manifests = new[] { new { manifest.MediaType, manifest.Digest, manifest.Size, Annotations = named } },
        }), "index.json");
        await AddAsync(archive, "layout.header.v1+json", Json(new { ImageLayoutVersion = "1.0.0" }), "oci-layout");
    }

    private static async Task<byte[]> LayerAsync(Func<TarWriter, Task> fill)
    {
        using MemoryStream bytes = new();
        await using (TarWriter tar = new(bytes, TarEntryFormat.Pax, leaveOpen: true))
        {
            await fill(tar);
        }

        return bytes.ToArray();
    }

    private static async Task<Descriptor> AddAsync(TarWriter archive, string kind, byte[] content, string? name = null)
    {
        string digest = Convert.ToHexStringLower(SHA256.HashData(content));
        await archive.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, name ?? $"blobs/sha256/{digest}")
        {
            DataStream = new MemoryStream(content),
        });
        return new(Kind(kind), $"sha256:{digest}", content.Length);
    }

    private static string Kind(string name) => $"application/vnd.oci.image.{name}";

    private static byte[] Json<T>(T document) => JsonSerializer.SerializeToUtf8Bytes(document, s_camel);

    private sealed record Descriptor(string MediaType, string Digest, long Size);
}
