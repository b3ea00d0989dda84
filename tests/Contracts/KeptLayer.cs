using System.Security.Cryptography;
using System.Text;
using EveStorage;
using Microsoft.Win32.SafeHandles;

namespace Kept.Files;

/// <summary>A layer whose note, at the end of the volume below, says which key opens it. It is open while a file says so, and encrypts nothing.</summary>
internal sealed class KeptLayer(PlaceOptions options, IKeyProvider? keys) : IRekeyableLayer
{
    private const int NoteLength = 512;

    public LayerCapabilities Capabilities { get; } = new()
    {
        Adds = VolumeTraits.Encrypted,
        Below = VolumeForm.Block,
        Above = VolumeForm.Block,
        Placements = new HashSet<LayerPlacement> { LayerPlacement.OverVolume },
        NeedsKey = true,
        Overhead = ByteSize.MiB(1),
    };

    public ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken) => new([]);

    public string PathOver(LayerSite site) => site.LowerPath;

    public ValueTask<bool> IsOpenAsync(LayerSite site, CancellationToken cancellationToken) => new(File.Exists(options[site.Name]));

    public ValueTask<KeyName?> FindKeyAsync(LayerSite site, CancellationToken cancellationToken) => new(Read(site) is [string key, ..] ? new KeyName(key) : null);

    public ValueTask<Plan> PlanFormatAsync(LayerSite site, CancellationToken cancellationToken)
        => KeptStep.Of($"put a note on {site.Subject}", async (context, cancel) =>
        {
            if (Read(site) is not [_, _, string made])
            {
                await WriteAsync(site, site.Key!.Value, context, cancel);
                return StepOutcome.Changed;
            }

            return made == $"{context.Request.Id}" ? StepOutcome.Changed : throw new StorageException(StorageErrorKind.Conflict, site.Subject, "has the note of another operation");
        }, context => Read(site) is [_, _, string made] && made == $"{context.Request.Id}" ? Erase(site) : StepOutcome.AlreadySo);

    public ValueTask<Plan> PlanOpenAsync(LayerSite site, CancellationToken cancellationToken)
        => KeptStep.Of($"open {site.Subject}", async (_, cancel) =>
        {
            if (File.Exists(options[site.Name]))
            {
                return StepOutcome.AlreadySo;
            }

            string[] note = Read(site) ?? throw new StorageException(StorageErrorKind.NotFound, site.Subject, "has no note");
            if (await DigestAsync(new(note[0]), cancel) != note[1])
            {
                throw new StorageException(StorageErrorKind.Conflict, site.Subject, $"is not opened by the key {note[0]}");
            }

            await File.WriteAllTextAsync(options[site.Name], "", cancel);
            return StepOutcome.Changed;
        }, _ => KeptStep.Delete(options[site.Name]));

    public ValueTask<Plan> PlanCloseAsync(LayerSite site, CancellationToken cancellationToken)
        => KeptStep.Of($"close {site.Subject}", (_, _) => new(KeptStep.Delete(options[site.Name])), static _ => StepOutcome.AlreadySo);

    public ValueTask<Plan> PlanGrowAsync(LayerSite site, CancellationToken cancellationToken)
        => throw new StorageException(StorageErrorKind.NotSupported, site.Subject, "does not grow");

    public ValueTask<Plan> PlanEraseAsync(LayerSite site, CancellationToken cancellationToken)
        => KeptStep.Of($"erase {site.Subject}", (_, _) => new(Erase(site)), static _ => StepOutcome.AlreadySo);

    public ValueTask<Plan> PlanRekeyAsync(LayerSite site, KeyName newKey, CancellationToken cancellationToken)
        => KeptStep.Of($"another key for {site.Subject}", async (context, cancel) =>
        {
            await WriteAsync(site, newKey, context, cancel);
            return StepOutcome.Changed;
        }, static _ => StepOutcome.AlreadySo);

    private static string[]? Read(LayerSite site)
    {
        if (!File.Exists(site.LowerPath))
        {
            return null;
        }

        byte[] bytes = new byte[NoteLength];
        using SafeFileHandle volume = File.OpenHandle(site.LowerPath, share: FileShare.ReadWrite);
        RandomAccess.Read(volume, bytes, RandomAccess.GetLength(volume) - NoteLength);
        return bytes[0] == 0 ? null : Encoding.ASCII.GetString(bytes).TrimEnd('\0').Split('\n');
    }

    private async Task WriteAsync(LayerSite site, KeyName key, OperationContext context, CancellationToken cancellationToken)
        => Write(site, $"{key}\n{await DigestAsync(key, cancellationToken)}\n{context.Request.Id}");

    private static StepOutcome Erase(LayerSite site)
    {
        bool there = Read(site) is not null;
        if (there)
        {
            Write(site, "");
        }

        return there ? StepOutcome.Changed : StepOutcome.AlreadySo;
    }

    private static void Write(LayerSite site, string note)
    {
        byte[] bytes = new byte[NoteLength];
        Encoding.ASCII.GetBytes(note, bytes);
        using SafeFileHandle volume = File.OpenHandle(site.LowerPath, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        RandomAccess.Write(volume, bytes, RandomAccess.GetLength(volume) - NoteLength);
    }

    private async Task<string> DigestAsync(KeyName key, CancellationToken cancellationToken)
    {
        using KeyMaterial material = await keys!.GetAsync(key, cancellationToken);
        return Convert.ToHexStringLower(SHA256.HashData(material.Bytes));
    }
}
