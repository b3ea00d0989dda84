using System.Security.Cryptography;
using EveStorage.Ext4;
using EveStorage.FileSystems;
using EveStorage.Linux;
using EveStorage.Testing;
using EveStorage.Xfs;

namespace EveStorage.Tests;

/// <summary>A file below a file system, and a directory to mount beneath. It needs root, loop devices and the kind's programs.</summary>
internal sealed class Ground : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    internal Ground(string kind)
    {
        Format = kind == "ext4" ? new Ext4Format() : new XfsFormat();
        bool can = Environment.UserName == "root" && File.Exists("/dev/loop-control") && Format.Programs.All(program => Command.Find(program) is not null);
        Assert.SkipUnless(can || Environment.GetEnvironmentVariable("CI") == "true", $"needs root, loop devices and {string.Join(", ", Format.Programs)}");
        Size = kind == "ext4" ? ByteSize.MiB(32) : ByteSize.MiB(320);
        Resize(Size);
        Site = new()
        {
            Placement = LayerPlacement.OverVolume,
            Subject = "data/newlog",
            Name = $"evestorage-{Guid.NewGuid():D}-{kind}",
            LowerPath = Image,
            Mount = new() { Root = Root, At = "log/new" },
        };
    }

    /// <summary>Skips where root may not grow ext4: the kernel asks for CAP_SYS_RESOURCE, which no program gives. A guest of the lab has it.</summary>
    internal void RequireGrowing()
    {
        const int CAP_SYS_RESOURCE = 24;
        string effective = File.ReadLines("/proc/self/status").Single(line => line.StartsWith("CapEff:", StringComparison.Ordinal)).Split('\t')[1];
        bool can = (Convert.ToUInt64(effective, 16) & (1UL << CAP_SYS_RESOURCE)) != 0;
        Assert.SkipUnless(can || Format.Kind != "ext4", "root has no CAP_SYS_RESOURCE here, without which the kernel grows no ext4: a guest of the lab grows it");
    }

    internal FileSystemFormat Format { get; }

    internal ByteSize Size { get; }

    internal LayerSite Site { get; private set; }

    internal FileSystemLayer Layer => new(Format, new());

    internal string Image => _directory["image"];

    internal string Root => _directory["mounts"];

    internal string Point => Site.Mount!.Path;

    internal string this[string name] => _directory[name];

    internal Superblock? Superblock
    {
        get
        {
            byte[] head = new byte[FileSystems.Superblock.HeadLength];
            using FileStream image = new(Image, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            image.ReadExactly(head);
            return Format.Read(head);
        }
    }

    internal void Resize(ByteSize size)
    {
        using FileStream image = File.Open(Image, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
        image.SetLength(size.Bytes);
    }

    internal void MountReadOnly() => Site = Site with { Mount = Site.Mount! with { ReadOnly = true } };

    /// <summary>Makes it and mounts it, as one operation.</summary>
    internal async Task<OperationRequest> MakeAsync(OperationRequest? request = null)
    {
        request ??= RunningPlans.RequestFor();
        Plan plan = (await Layer.PlanFormatAsync(Site, default)).Then(await Layer.PlanOpenAsync(Site, default));
        await RunningPlans.RunAsync(plan, request, default);
        return request;
    }

    internal static async Task<IReadOnlyList<StorageStep>> RunAsync(ValueTask<Plan> plan, OperationRequest? request = null)
        => await RunningPlans.RunAsync(await plan, request ?? RunningPlans.RequestFor(), default);

    internal Task OpenAsync() => RunAsync(Layer.PlanOpenAsync(Site, default));

    internal Task CloseAsync() => RunAsync(Layer.PlanCloseAsync(Site, default));

    internal ValueTask<bool> IsOpenAsync() => Layer.IsOpenAsync(Site, default);

    internal string Hash()
    {
        using FileStream image = File.OpenRead(Image);
        return Convert.ToHexString(SHA256.HashData(image));
    }

    internal static Task ToolAsync(string program, params string[] arguments)
        => (Command.Find(program) ?? throw new InvalidOperationException($"{program} is needed")).RunAsync(arguments, default);

    public void Dispose()
    {
        foreach (Mount mount in MountTable.Read().Where(mount => mount.Point.StartsWith(_directory.Path, StringComparison.Ordinal)).Reverse())
        {
            MountPlace.TryUnmount(mount.Point, mount.Point);
        }

        _directory.Dispose();
    }
}
