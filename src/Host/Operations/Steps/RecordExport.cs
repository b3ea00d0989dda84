namespace EveStorage.Host.Operations.Steps;

/// <summary>Adds an export to a volume's record, or takes one away. From then on a start exports it so, or no more.</summary>
internal sealed class RecordExport(IStoragePool pool, VolumeName volume, string transport, ExportRecord? wanted) : StorageStep
{
    private ExportRecord? _before;
    private bool _changed;

    /// <inheritdoc/>
    public override string Title
        => wanted is null ? $"forget the export of {pool.Name}/{volume} by {transport}" : $"record the export of {pool.Name}/{volume} by {transport}";

    /// <inheritdoc/>
    public override StepEffect Expected => StepEffect.Change;

    /// <inheritdoc/>
    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        VolumeRecord record = await RequireAsync(cancellationToken);
        ExportRecord? existing = Of(record);
        if (AreSame(existing, wanted))
        {
            return StepOutcome.AlreadySo;
        }

        _before = existing;
        _changed = true;
        await WriteAsync(record, wanted, cancellationToken);
        return StepOutcome.Changed;
    }

    /// <inheritdoc/>
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (_changed)
        {
            await WriteAsync(await RequireAsync(cancellationToken), _before, cancellationToken);
        }
    }

    private async Task<VolumeRecord> RequireAsync(CancellationToken cancellationToken)
        => await pool.Records.FindAsync(volume, cancellationToken)
            ?? throw new StorageException(StorageErrorKind.NotFound, $"{pool.Name}/{volume}", "is no volume here");

    private ExportRecord? Of(VolumeRecord record) => record.Exports.FirstOrDefault(export => export.Transport == transport);

    private ValueTask WriteAsync(VolumeRecord record, ExportRecord? export, CancellationToken cancellationToken)
        => pool.Records.ReplaceAsync(
            volume,
            record with { Exports = [.. record.Exports.Where(other => other.Transport != transport), .. new[] { export }.OfType<ExportRecord>()] },
            cancellationToken);

    private static bool AreSame(ExportRecord? one, ExportRecord? other)
        => one is null || other is null
            ? one is null && other is null
            : one.Subsystem == other.Subsystem && one.NamespaceId == other.NamespaceId && one.ReadOnly == other.ReadOnly
                && one.AllowedHosts.OrderBy(host => host.Key, StringComparer.Ordinal).SequenceEqual(other.AllowedHosts.OrderBy(host => host.Key, StringComparer.Ordinal));
}
