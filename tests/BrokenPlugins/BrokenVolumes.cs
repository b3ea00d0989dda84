namespace EveStorage.Broken;

/// <summary>Says that a volume is larger than it is.</summary>
public sealed class LiesAboutSizePlugin : BrokenPlugin
{
    protected override IStoragePool Break(IStoragePool pool) => new Lying(pool);

    private sealed class Lying(IStoragePool inner) : PassingPool(inner)
    {
        public override async ValueTask<VolumeInfo?> FindVolumeAsync(VolumeName name, CancellationToken cancellationToken)
            => await Inner.FindVolumeAsync(name, cancellationToken) is VolumeInfo found ? found with { Size = new(found.Size.Bytes + 4096) } : null;
    }
}

/// <summary>Keeps what is written until the volume is closed, and says that a flush is done.</summary>
public sealed class LosesFlushedWritesPlugin : BrokenPlugin
{
    protected override IStoragePool Break(IStoragePool pool) => new Keeping(pool);

    private sealed class Keeping(IStoragePool inner) : PassingPool(inner)
    {
        public override async ValueTask<IBlockSource> OpenBlocksAsync(VolumeName name, BlockAccess access, CancellationToken cancellationToken)
        {
            IBlockSource blocks = await Inner.OpenBlocksAsync(name, access, cancellationToken);
            return access == BlockAccess.Read ? blocks : new Kept(blocks);
        }
    }

    private sealed class Kept(IBlockSource inner) : PassingBlocks(inner)
    {
        private readonly Dictionary<long, byte[]> _kept = [];

        public override bool TryRead(long offset, Span<byte> destination) => false;

        public override async ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
        {
            await Inner.ReadAsync(offset, destination, cancellationToken);
            if (_kept.TryGetValue(offset, out byte[]? kept))
            {
                kept.AsMemory(0, Math.Min(kept.Length, destination.Length)).CopyTo(destination);
            }
        }

        public override async ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> source, WriteDurability durability, CancellationToken cancellationToken)
        {
            // A read that refuses what lies beyond the end, and a write of nothing else.
            await Inner.ReadAsync(offset, new byte[source.Length], cancellationToken);
            _kept[offset] = source.ToArray();
        }

        public override ValueTask FlushAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public override async ValueTask DisposeAsync()
        {
            foreach ((long offset, byte[] kept) in _kept)
            {
                await Inner.WriteAsync(offset, kept, WriteDurability.Cached, CancellationToken.None);
            }

            await base.DisposeAsync();
        }
    }
}

/// <summary>Opens for writing whatever is asked for.</summary>
public sealed class ReadersWritePlugin : BrokenPlugin
{
    protected override IStoragePool Break(IStoragePool pool) => new Open(pool);

    private sealed class Open(IStoragePool inner) : PassingPool(inner)
    {
        public override ValueTask<IBlockSource> OpenBlocksAsync(VolumeName name, BlockAccess access, CancellationToken cancellationToken)
            => Inner.OpenBlocksAsync(name, BlockAccess.ReadWrite, cancellationToken);
    }
}

/// <summary>Throws what only its own code knows.</summary>
public sealed class ThrowsUntypedPlugin : BrokenPlugin
{
    protected override IStoragePool Break(IStoragePool pool) => new Throwing(pool);

    private sealed class Throwing(IStoragePool inner) : PassingPool(inner)
    {
        public override async ValueTask<IBlockSource> OpenBlocksAsync(VolumeName name, BlockAccess access, CancellationToken cancellationToken)
            => await Inner.FindVolumeAsync(name, cancellationToken) is null
                ? throw new KeyNotFoundException($"no {name}")
                : await Inner.OpenBlocksAsync(name, access, cancellationToken);
    }
}

/// <summary>Claims thin volumes, and takes all of their space.</summary>
public sealed class NotThinPlugin : BrokenPlugin
{
    protected override IStoragePool Break(IStoragePool pool) => new Thick(pool);

    private sealed class Thick(IStoragePool inner) : PassingPool(inner)
    {
        public override ValueTask<Plan> PlanCreateAsync(VolumeSpec spec, CancellationToken cancellationToken)
            => Inner.PlanCreateAsync(spec with { Traits = spec.Traits & ~VolumeTraits.Thin }, cancellationToken);
    }
}

/// <summary>Claims quotas, and keeps to none.</summary>
public sealed class NoQuotaPlugin : BrokenPlugin, IClaimsMore
{
    VolumeTraits IClaimsMore.Claims => VolumeTraits.Quota;

    protected override IStoragePool Break(IStoragePool pool) => new Boundless(pool);

    private sealed class Boundless(IStoragePool inner) : PassingPool(inner)
    {
        public override BackendCapabilities Capabilities => Inner.Capabilities with { Traits = Inner.Capabilities.Traits | VolumeTraits.Quota };

        public override ValueTask<Plan> PlanCreateAsync(VolumeSpec spec, CancellationToken cancellationToken)
            => Inner.PlanCreateAsync(spec with { Quota = null, Traits = spec.Traits & ~VolumeTraits.Quota }, cancellationToken);
    }
}
