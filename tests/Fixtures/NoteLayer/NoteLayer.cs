using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Fixtures;

internal sealed class NoteLayer(string directory, IKeyProvider? keys) : IRekeyableLayer
{
    private const int HeaderLength = 512;

    public LayerCapabilities Capabilities { get; } = new()
    {
        Adds = VolumeTraits.Encrypted,
        Below = VolumeForm.Block,
        Above = VolumeForm.Block,
        Placements = new HashSet<LayerPlacement> { LayerPlacement.OverVolume, LayerPlacement.UnderPool },
        NeedsKey = true,
        Overhead = ByteSize.MiB(1),
    };

    public ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken) => new([]);

    public string PathOver(LayerSite site) => site.Placement == LayerPlacement.UnderPool ? Path.Combine(site.LowerPath, "inside") : site.LowerPath;

    public ValueTask<bool> IsOpenAsync(LayerSite site, CancellationToken cancellationToken) => new(File.Exists(OpenOf(site)));

    public ValueTask<KeyName?> FindKeyAsync(LayerSite site, CancellationToken cancellationToken)
        => new(ReadHeader(site) is string[] header ? new KeyName(header[0]) : null);

    public ValueTask<Plan> PlanFormatAsync(LayerSite site, CancellationToken cancellationToken)
        => Plan1($"format {site.Subject}", async context =>
        {
            if (ReadHeader(site) is string[] there)
            {
                return there[2] == $"{context.Request.Id}"
                    ? StepOutcome.Changed
                    : throw new StorageException(StorageErrorKind.Conflict, site.Subject, "holds a layer of another operation");
            }

            await WriteHeaderAsync(site, site.Key!.Value, context.Request.Id, cancellationToken);
            return StepOutcome.Changed;
        }, context => ReadHeader(site)?[2] == $"{context.Request.Id}" ? Erase(site) : StepOutcome.AlreadySo);

    public ValueTask<Plan> PlanOpenAsync(LayerSite site, CancellationToken cancellationToken)
        => Plan1($"open {site.Subject}", async _ =>
        {
            if (File.Exists(OpenOf(site)))
            {
                return StepOutcome.AlreadySo;
            }

            string[] header = ReadHeader(site) ?? throw new StorageException(StorageErrorKind.NotFound, site.Subject, "holds no layer");
            if (await DigestAsync(new KeyName(header[0]), cancellationToken) != header[1])
            {
                throw new StorageException(StorageErrorKind.Conflict, site.Subject, $"is not opened by the key {header[0]}");
            }

            Open(site);
            return StepOutcome.Changed;
        }, _ => Delete(OpenOf(site)));

    public ValueTask<Plan> PlanCloseAsync(LayerSite site, CancellationToken cancellationToken)
        => Plan1($"close {site.Subject}", async _ =>
        {
            await HoldAsync(site, cancellationToken);
            return Delete(OpenOf(site));
        }, static _ => StepOutcome.AlreadySo);

    public ValueTask<Plan> PlanGrowAsync(LayerSite site, CancellationToken cancellationToken)
        => Plan1($"grow {site.Subject}", static _ => new(StepOutcome.AlreadySo), static _ => StepOutcome.AlreadySo);

    public ValueTask<Plan> PlanEraseAsync(LayerSite site, CancellationToken cancellationToken)
        => Plan1($"erase {site.Subject}", _ => new(Erase(site)), static _ => StepOutcome.AlreadySo);

    public ValueTask<Plan> PlanRekeyAsync(LayerSite site, KeyName newKey, CancellationToken cancellationToken)
        => Plan1($"rekey {site.Subject}", async context =>
        {
            await HoldAsync(site, cancellationToken);
            await WriteHeaderAsync(site, newKey, context.Request.Id, cancellationToken);
            return StepOutcome.Changed;
        }, static _ => StepOutcome.AlreadySo);

    // A test that wants to do something meanwhile has a file of that name there.
    private static async Task HoldAsync(LayerSite site, CancellationToken cancellationToken)
    {
        while (File.Exists(Path.Combine(site.LowerPath, "hold")))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), cancellationToken);
        }
    }

    private string OpenOf(LayerSite site) => Path.Combine(directory, site.Name);

    private void Open(LayerSite site)
    {
        if (site.Placement == LayerPlacement.UnderPool)
        {
            Directory.CreateDirectory(PathOver(site), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        File.WriteAllBytes(OpenOf(site), []);
    }

    // Within what lies below, as a real layer's, so that a clone has it too: the last bytes of a volume, or a file of a directory.
    private static string[]? ReadHeader(LayerSite site)
    {
        byte[] bytes = new byte[HeaderLength];
        if (Directory.Exists(site.LowerPath))
        {
            return File.Exists(Path.Combine(site.LowerPath, "header")) ? File.ReadAllLines(Path.Combine(site.LowerPath, "header")) : null;
        }

        if (!File.Exists(site.LowerPath))
        {
            return null;
        }

        using SafeFileHandle volume = File.OpenHandle(site.LowerPath, share: FileShare.ReadWrite);
        RandomAccess.Read(volume, bytes, RandomAccess.GetLength(volume) - HeaderLength);
        return bytes[0] == 0 ? null : Encoding.ASCII.GetString(bytes).TrimEnd('\0').Split('\n');
    }

    private async Task WriteHeaderAsync(LayerSite site, KeyName key, Guid operation, CancellationToken cancellationToken)
        => Write(site, [$"{key}", await DigestAsync(key, cancellationToken), $"{operation}"]);

    private static void Write(LayerSite site, string[] header)
    {
        if (Directory.Exists(site.LowerPath))
        {
            File.WriteAllLines(Path.Combine(site.LowerPath, "header"), header);
            return;
        }

        byte[] bytes = new byte[HeaderLength];
        Encoding.ASCII.GetBytes(string.Join('\n', header), bytes);
        using SafeFileHandle volume = File.OpenHandle(site.LowerPath, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        RandomAccess.Write(volume, bytes, RandomAccess.GetLength(volume) - HeaderLength);
    }

    private static StepOutcome Erase(LayerSite site)
    {
        if (Directory.Exists(site.LowerPath))
        {
            return Delete(Path.Combine(site.LowerPath, "header"));
        }

        if (!File.Exists(site.LowerPath))
        {
            return StepOutcome.AlreadySo;
        }

        Write(site, []);
        return StepOutcome.Changed;
    }

    private async Task<string> DigestAsync(KeyName key, CancellationToken cancellationToken)
    {
        using KeyMaterial material = await keys!.GetAsync(key, cancellationToken);
        return Convert.ToHexStringLower(SHA256.HashData(material.Bytes));
    }

    private static StepOutcome Delete(string path)
    {
        bool there = File.Exists(path);
        File.Delete(path);
        return there ? StepOutcome.Changed : StepOutcome.AlreadySo;
    }

    private static ValueTask<Plan> Plan1(string title, Func<OperationContext, ValueTask<StepOutcome>> apply, Func<OperationContext, StepOutcome> revert)
        => new(Plan.Of(new Step(title, apply, revert)));

    private sealed class Step(string title, Func<OperationContext, ValueTask<StepOutcome>> apply, Func<OperationContext, StepOutcome> revert) : StorageStep
    {
        public override string Title => title;

        public override StepEffect Expected => StepEffect.Change;

        public override ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken) => apply(context);

        public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
        {
            revert(context);
            return ValueTask.CompletedTask;
        }
    }
}
