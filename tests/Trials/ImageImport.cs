using System.Security.Cryptography;
using EveStorage.Testing;

namespace EveStorage.Trials;

/// <summary>Makes volumes of images in this very process, as the host does it with a worker: under a temporary name, whose rename is the commit.</summary>
public sealed class ImageImport(IStoragePool pool, IImageFormat format)
{
    private static readonly VolumeName s_temporary = VolumeName.ForOperation(Guid.NewGuid());

    private readonly byte[] _source = new byte[4 << 20];
    private readonly byte[] _target = new byte[4 << 20];

    /// <summary>The volume that is made.</summary>
    public static VolumeName Name { get; } = new("imported");

    /// <summary>The format that a plugin has.</summary>
    public static IImageFormat FormatOf(IStoragePlugin plugin)
    {
        ArgumentNullException.ThrowIfNull(plugin);
        FormatRegistrar registrar = new();
        plugin.Register(registrar);
        return registrar.Format ?? throw new InvalidOperationException("it has no format");
    }

    /// <summary>Imports an image, and gives the digest of the volume, which is deleted again; null when it was refused.</summary>
    public async Task<string?> TryAsync(IImageSource image)
    {
        try
        {
            await using IImageReader reader = await format.OpenAsync(image, default);
            IAsyncEnumerable<ImageExtent> extents = reader.ReadExtentsAsync(default);
            VolumeSpec spec = new() { Name = s_temporary, Form = VolumeForm.Block, Size = reader.VirtualSize, Traits = VolumeTraits.Thin };
            Plan plan = (await pool.PlanCreateAsync(spec, default))
                .Then(Plan.Of(new Fill(this, pool, image, reader, extents)))
                .Then(await pool.PlanRenameAsync(s_temporary, Name, default));
            await RunningPlans.RunAsync(plan, RunningPlans.RequestFor($"{s_temporary}"), default);
            string digest = await DigestAsync(reader.VirtualSize.Bytes);
            await RunningPlans.RunAsync(pool.PlanDeleteAsync(Name, default));
            return digest;
        }
        catch (StorageException)
        {
            return null;
        }
    }

    // A pool's volume may be longer than what was asked for.
    private async Task<string> DigestAsync(long length)
    {
        await using IBlockSource blocks = await pool.OpenBlocksAsync(Name, BlockAccess.Read, default);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (long at = 0; at < length; at += _target.Length)
        {
            Memory<byte> piece = _target.AsMemory(0, (int)Math.Min(_target.Length, length - at));
            await blocks.ReadAsync(at, piece, default);
            hash.AppendData(piece.Span);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static Memory<byte> Of(byte[] buffer, long length) => length <= buffer.Length ? buffer.AsMemory(0, (int)length) : new byte[length];

    /// <summary>Fills the volume that the step before made.</summary>
    private sealed class Fill(ImageImport import, IStoragePool pool, IImageSource image, IImageReader reader, IAsyncEnumerable<ImageExtent> extents) : StorageStep
    {
        public override string Title => "fill it";

        public override StepEffect Expected => StepEffect.Change;

        public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
        {
            await using IBlockSource blocks = await pool.OpenBlocksAsync(s_temporary, BlockAccess.ReadWrite, cancellationToken);
            await foreach (ImageExtent extent in extents.WithCancellation(cancellationToken))
            {
                if (extent.Kind == ExtentKind.Data)
                {
                    Memory<byte> source = Of(import._source, extent.SourceLength);
                    Memory<byte> target = Of(import._target, extent.Length);
                    int read = await image.ReadAsync(extent.SourceOffset, source, cancellationToken);
                    reader.Decode(extent, source.Span[..read], target.Span);
                    await blocks.WriteAsync(extent.GuestOffset, target, WriteDurability.Cached, cancellationToken);
                }
            }

            return StepOutcome.Changed;
        }

        public override ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken) => ValueTask.CompletedTask;
    }
}
