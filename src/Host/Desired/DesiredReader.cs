using System.Text.Json;
using EveStorage.Cli.Api;
using EveStorage.Cli.Urls;
using EveStorage.Host.FileSystems;
using EveStorage.Host.Operations;
using EveStorage.Host.Profiles;
using EveStorage.Linux;

namespace EveStorage.Host.Desired;

/// <summary>Reads what is to be here. <c>docs/desired-state.schema.json</c> says the same for editors; what both know is held together by a test.</summary>
internal static class DesiredReader
{
    /// <summary>The longest file: some ten thousand volumes with their exports.</summary>
    internal const int MaxLength = 16 << 20;

    private const string Absent = "absent";

    /// <summary>Reads a file.</summary>
    /// <exception cref="StorageException">It can't be read, or has problems; the message has all of them.</exception>
    internal static DesiredState ReadFile(string path)
    {
        if (!File.Exists(path))
        {
            throw new StorageException(StorageErrorKind.InvalidConfiguration, path, "is no file");
        }

        byte[] bytes = FileCalls.Run(path, () =>
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return ReadUpTo(file);
        });
        Problems problems = new();
        DesiredState state = Read(bytes, problems);
        problems.ThrowIfAny(path);
        return state;
    }

    /// <summary>Reads it, and adds what is wrong to <paramref name="problems"/>.</summary>
    internal static DesiredState Read(ReadOnlyMemory<byte> json, Problems problems)
    {
        if (json.Length > MaxLength)
        {
            problems.Add("file", $"is longer than {new ByteSize(MaxLength)}");
            return new();
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new() { AllowDuplicateProperties = false, CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            return Read(new JsonMembers(document.RootElement, "", problems), problems);
        }
        catch (JsonException e)
        {
            // The reader counts lines from 0.
            problems.Add("file", $"can't be read as JSON ({(e.LineNumber is long line ? $"line {line + 1}: " : "")}{e.Message.Split(" LineNumber:")[0].Split(" Path:")[0].TrimEnd('.')})");
            return new();
        }
    }

    /// <summary>Reads a file, or so much of it that tells that it is too long, wherever it ends.</summary>
    internal static byte[] ReadUpTo(Stream file)
    {
        using MemoryStream read = new();
        byte[] buffer = new byte[1 << 16];
        for (int count; read.Length <= MaxLength && (count = file.Read(buffer)) > 0;)
        {
            read.Write(buffer, 0, count);
        }

        return read.ToArray();
    }

    private static DesiredState Read(JsonMembers root, Problems problems)
    {
        root.Text("$schema");
        Dictionary<PoolName, DesiredPool> pools = [];
        foreach ((string name, JsonMembers value) in root.Group("pools"))
        {
            if (PoolName.TryParse(name, out PoolName pool))
            {
                pools[pool] = new(value.Flag(Absent) == true);
            }
            else
            {
                problems.Add($"pools:{name}", "is not a pool's name");
            }

            value.End();
        }

        Dictionary<VolumeAddress, DesiredVolume> volumes = ReadVolumes(root, "volumes", ReadVolume, problems);
        Dictionary<VolumeAddress, DesiredFileSystem> fileSystems = ReadVolumes(root, "fileSystems", ReadFileSystem, problems);
        foreach (VolumeAddress both in volumes.Keys.Intersect(fileSystems.Keys))
        {
            problems.Add($"fileSystems:{both}", "is a volume of this file, too: it is one or the other");
        }

        Dictionary<DesiredPlace, DesiredExport> exports = ReadExports(root, problems);
        root.End();
        return new() { Pools = pools, Volumes = volumes, FileSystems = fileSystems, Exports = exports };
    }

    private static Dictionary<VolumeAddress, T> ReadVolumes<T>(JsonMembers root, string group, Func<JsonMembers, T> read, Problems problems)
    {
        Dictionary<VolumeAddress, T> all = [];
        foreach ((string name, JsonMembers value) in root.Group(group))
        {
            T one = read(value);
            value.End();
            if (AddressOf(name, $"{group}:{name}", problems) is VolumeAddress address)
            {
                all[address] = one;
            }
        }

        return all;
    }

    private static DesiredVolume ReadVolume(JsonMembers members)
    {
        DesiredVolume volume = new()
        {
            Absent = members.Flag(Absent) == true,
            WithSnapshots = members.Flag("withSnapshots") == true,
            Size = members.Size("size"),
            Thick = members.Flag("thick"),
            Encrypted = members.Flag("encrypted") == true,
            Compressed = members.Flag("compressed") == true,
            Image = members.Object("image") is JsonMembers image ? ReadImage(image) : null,
        };
        CheckAbsent(members, volume.Absent, "size", "thick", "encrypted", "compressed", "image");
        if (!volume.Absent && volume.Size is null && volume.Image is null && !members.Has("size"))
        {
            members.Tell("size", "is missing: a volume without an image needs one");
        }

        return volume;
    }

    private static DesiredImage ReadImage(JsonMembers members)
    {
        DesiredImage image = new()
        {
            File = members.Text("file"),
            Url = members.Text("url"),
            Format = members.Text("format"),
            Snapshot = members.Text("snapshot"),
            Sha256 = members.Text("sha256"),
            Verify = members.Flag("verify") == true,
            Lazy = members.Flag("lazy") == true,
        };
        members.End();
        if (members.Has("file") == members.Has("url"))
        {
            members.Tell("file", "has to be there, or url, and not both");
        }

        if (image.Sha256 is string digest && (digest.Length != 64 || !digest.All(char.IsAsciiHexDigit)))
        {
            members.Tell("sha256", "takes 64 hexadecimal digits");
        }

        Check(members, "url", image.Url, static text => UrlRule.Parse(text));
        return image;
    }

    private static DesiredFileSystem ReadFileSystem(JsonMembers members)
    {
        DesiredFileSystem fileSystem = new()
        {
            Absent = members.Flag(Absent) == true,
            WithSnapshots = members.Flag("withSnapshots") == true,
            Size = members.Size("size") ?? default,
            Kind = members.Text("kind"),
            At = members.Text("at"),
            Reserved = members.Flag("reserved"),
            Encrypted = members.Flag("encrypted") == true,
            Compressed = members.Flag("compressed") == true,
            Mounted = members.IsNull("mounted") ? true : members.Flag("mounted"),
            ReadOnly = members.IsNull("readOnly") ? false : members.Flag("readOnly"),
        };
        CheckAbsent(members, fileSystem.Absent, "size", "kind", "at", "reserved", "encrypted", "compressed", "mounted", "readOnly");
        if (!fileSystem.Absent && !members.Has("size"))
        {
            members.Tell("size", "is missing");
        }

        if (fileSystem.At is string at && !MountPoints.Allows(at))
        {
            members.Tell("at", "takes names of letters, digits, '.', '_' and '-' with slashes between them, beneath the directory for file systems");
        }

        return fileSystem;
    }

    private static Dictionary<DesiredPlace, DesiredExport> ReadExports(JsonMembers root, Problems problems)
    {
        Dictionary<DesiredPlace, DesiredExport> exports = [];
        foreach ((string name, JsonMembers transports) in root.Group("exports"))
        {
            VolumeAddress? volume = AddressOf(name, $"exports:{name}", problems);
            foreach ((string transport, JsonMembers value) in transports.Members)
            {
                DesiredExport export = ReadExport(value);
                value.End();
                if (volume is not null)
                {
                    exports[new(volume, transport)] = export;
                }
            }
        }

        return exports;
    }

    private static DesiredExport ReadExport(JsonMembers members)
    {
        Dictionary<string, DesiredHost> hosts = [];
        foreach ((string nqn, JsonMembers host) in members.Group("hosts"))
        {
            hosts[nqn] = new(ReadKey(host, "key"), ReadKey(host, "controllerKey"));
            host.End();
            Check(members, $"hosts:{nqn}", nqn, static text => ExportNames.Typed(text, name => new HostNqn(name)));
            Check(host, "key", hosts[nqn].Key, static text => ExportNames.Typed(text, name => new KeyName(name)));
            Check(host, "controllerKey", hosts[nqn].ControllerKey, static text => ExportNames.Typed(text, name => new KeyName(name)));
        }

        DesiredExport export = new()
        {
            Absent = members.Flag(Absent) == true,
            Hosts = members.Has("hosts") ? hosts : null,
            Subsystem = members.Text("subsystem"),
            NamespaceId = (int?)members.Number("nsid", int.MaxValue),
            ReadOnly = members.IsNull("readOnly") ? false : members.Flag("readOnly"),
            Iops = members.IsNull("iops") ? 0 : members.Number("iops", long.MaxValue),
            Bandwidth = members.IsNull("bandwidth") ? default(ByteSize) : members.Size("bandwidth"),
        };
        CheckAbsent(members, export.Absent, "hosts", "subsystem", "nsid", "readOnly", "iops", "bandwidth");
        Check(members, "subsystem", export.Subsystem, static text => ExportNames.OurSubsystem(text));
        return export;
    }

    private static string? ReadKey(JsonMembers host, string name) => host.IsNull(name) ? "" : host.Text(name);

    private static VolumeAddress? AddressOf(string text, string path, Problems problems)
    {
        if (VolumeAddress.TryParse(text, out VolumeAddress? address) && address is { Pool: not null, Label: null })
        {
            return address;
        }

        problems.Add(path, "is not a volume's name: write POOL/NAME, of lower-case letters, digits, '.', '_' and '-'");
        return null;
    }

    private static void CheckAbsent(JsonMembers members, bool absent, params IReadOnlyList<string> others)
    {
        foreach (string other in absent ? others.Where(members.Has) : [])
        {
            members.Tell(other, $"is asked of what is to be {Absent}");
        }

        if (!absent && members.Has("withSnapshots"))
        {
            members.Tell("withSnapshots", $"says what goes with what is to be {Absent}, and this is not");
        }
    }

    private static void Check(JsonMembers members, string name, string? text, Action<string> parse)
    {
        try
        {
            if (text is { Length: > 0 })
            {
                parse(text);
            }
        }
        catch (StorageException e)
        {
            members.Tell(name, ErrorReport.Of(e).Message);
        }
    }
}
