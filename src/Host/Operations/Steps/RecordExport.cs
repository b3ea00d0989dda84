namespace EveStorage.Host.Operations.Steps;

/// <summary>
/// Adds an export to a volume's record, or takes one away. From then on a start exports it so, or no more. The record keeps
/// which operation did and what it found, so that another process can undo it after a crash.
/// </summary>
internal sealed class RecordExport(IStoragePool pool, VolumeName volume, string transport, ExportRecord? wanted, VolumeRecord planned) : StorageStep
{
    /// <summary>Who gets and who loses what by it, for its title.</summary>
    public string Says { get; init; } = "";

    /// <inheritdoc/>
    public override string Title
        => wanted is null ? $"forget the export of {pool.Name}/{volume} by {transport}" : $"record the export of {pool.Name}/{volume} by {transport}{(Says.Length == 0 ? "" : $": {Says}")}";

    /// <inheritdoc/>
    public override StepEffect Expected { get; } = AreSame(Of(planned.Exports, transport), wanted) ? StepEffect.AlreadySo : StepEffect.Change;

    /// <inheritdoc/>
    public override async ValueTask<StepOutcome> ApplyAsync(OperationContext context, CancellationToken cancellationToken)
    {
        VolumeRecord record = await pool.Records.FindAsync(volume, cancellationToken)
            ?? throw new StorageException(StorageErrorKind.NotFound, $"{pool.Name}/{volume}", "is no volume here");
        bool ours = record.InFlight == context.Request.Id;
        if (AreSame(Of(record.Exports, transport), wanted))
        {
            return ours && !AreSame(Of(record.ExportsBefore, transport), wanted) ? StepOutcome.Changed : StepOutcome.AlreadySo;
        }

        // The first of an operation's steps notes what all of them found.
        VolumeRecord noted = ours ? record : record with { InFlight = context.Request.Id, ExportsBefore = record.Exports };
        await WriteAsync(noted, wanted, cancellationToken);
        return StepOutcome.Changed;
    }

    /// <inheritdoc/>
    public override async ValueTask RevertAsync(OperationContext context, CancellationToken cancellationToken)
    {
        if (await pool.Records.FindAsync(volume, cancellationToken) is VolumeRecord record && record.InFlight == context.Request.Id)
        {
            await WriteAsync(record, Of(record.ExportsBefore, transport), cancellationToken);
        }
    }

    private static ExportRecord? Of(IReadOnlyList<ExportRecord> exports, string transport) => exports.FirstOrDefault(export => export.Transport == transport);

    private ValueTask WriteAsync(VolumeRecord record, ExportRecord? export, CancellationToken cancellationToken)
        => pool.Records.ReplaceAsync(
            volume,
            record with { Exports = [.. record.Exports.Where(other => other.Transport != transport), .. new[] { export }.OfType<ExportRecord>()] },
            cancellationToken);

    private static bool AreSame(ExportRecord? one, ExportRecord? other)
        => one is null || other is null
            ? one is null && other is null
            : one.Subsystem == other.Subsystem && one.NamespaceId == other.NamespaceId && one.ReadOnly == other.ReadOnly && one.Limits == other.Limits
                && AreSame(one.AllowedHosts, other.AllowedHosts) && AreSame(one.ControllerKeys, other.ControllerKeys);

    private static bool AreSame<T>(IReadOnlyDictionary<string, T> one, IReadOnlyDictionary<string, T> other)
        => one.OrderBy(pair => pair.Key, StringComparer.Ordinal).SequenceEqual(other.OrderBy(pair => pair.Key, StringComparer.Ordinal));
}
