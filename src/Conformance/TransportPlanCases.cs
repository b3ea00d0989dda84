namespace EveStorage.Conformance;

/// <summary>What every transport promises of its plans.</summary>
internal static class TransportPlanCases
{
    internal static IReadOnlyList<TransportCase> All { get; } =
    [
        new("Exporting the same again changes nothing", SameAgainChangesNothingAsync),
        new("An export that is reverted is gone", RevertLeavesNothingAsync),
        new("An export that is reverted leaves what another operation exported", RevertLeavesTheOtherAsync),
        new("A changed list of hosts that is reverted is as before", RevertedChangeIsAsBeforeAsync) { IsAboutHosts = true },
        new("An export that ended is gone, and ending it again changes nothing", EndedIsGoneAsync),
        new("An end of an export that is reverted serves it again", RevertedEndServesAgainAsync),
        new("A number that another volume has is a conflict", TakenNumberIsConflictAsync),
        new("What is listed is what is exported", ListedIsExportedAsync),
    ];

    private static async Task SameAgainChangesNothingAsync(TransportBench bench, CancellationToken cancellationToken)
    {
        TransportTrial trial = new(bench);
        await trial.ExportAsync(TransportTrial.Spec(1), cancellationToken);
        Plan again = await trial.PlanAsync(TransportTrial.Spec(1), cancellationToken);
        TransportTrial.RequireNone(again.Steps.Where(s => s.Expected != StepEffect.AlreadySo), "is expected to change again");
        TransportTrial.RequireNone(await bench.Run(again, TransportTrial.NewRequest(), cancellationToken), "changed again");
    }

    private static async Task RevertLeavesNothingAsync(TransportBench bench, CancellationToken cancellationToken)
    {
        TransportTrial trial = new(bench);
        await trial.ExportAndFailAsync(TransportTrial.Spec(1), cancellationToken);
        TransportTrial.Require((await trial.ListAsync(cancellationToken)).Count == 0, "it is still exported");
    }

    private static async Task RevertLeavesTheOtherAsync(TransportBench bench, CancellationToken cancellationToken)
    {
        TransportTrial trial = new(bench);
        await trial.ExportAsync(TransportTrial.Spec(1), cancellationToken);
        await trial.ExportAndFailAsync(TransportTrial.Spec(1), cancellationToken);
        await trial.ExportAndFailAsync(TransportTrial.Spec(2), cancellationToken);
        await trial.RevertAsync(TransportTrial.Spec(1), cancellationToken);
        IReadOnlyList<ExportInfo> listed = await trial.ListAsync(cancellationToken);
        TransportTrial.Require(listed is [ExportInfo only] && only.VolumeId == TransportTrial.Spec(1).VolumeId, $"{listed.Count} are exported, not the one of before");
    }

    private static async Task RevertedChangeIsAsBeforeAsync(TransportBench bench, CancellationToken cancellationToken)
    {
        TransportTrial trial = new(bench);
        await trial.ExportAsync(TransportTrial.Spec(1), cancellationToken);
        await trial.ExportAndFailAsync(TransportTrial.Spec(1, TransportTrial.OtherHost), cancellationToken);
        ExportInfo now = (await trial.ListAsync(cancellationToken)).Single();
        TransportTrial.Require(now.AllowedHosts.SequenceEqual([TransportTrial.Host]), $"it serves {string.Join(", ", now.AllowedHosts)}, not {TransportTrial.Host}");
        await using ITransportHost host = await trial.ConnectAsync(TransportTrial.Host, cancellationToken);
        await host.ReadAsync(1, 0, new byte[4096], cancellationToken);
    }

    private static async Task EndedIsGoneAsync(TransportBench bench, CancellationToken cancellationToken)
    {
        TransportTrial trial = new(bench);
        await trial.ExportAsync(TransportTrial.Spec(1), cancellationToken);
        await trial.EndAsync(TransportTrial.Spec(1), cancellationToken);
        TransportTrial.Require((await trial.ListAsync(cancellationToken)).Count == 0, "it is still exported");
        await trial.RequireRefusedAsync(TransportTrial.Host, cancellationToken);
        Plan again = await bench.Transport.PlanUnexportAsync(TransportTrial.Spec(1).VolumeId, cancellationToken);
        TransportTrial.RequireNone(await bench.Run(again, TransportTrial.NewRequest(), cancellationToken), "changed again");
    }

    private static async Task RevertedEndServesAgainAsync(TransportBench bench, CancellationToken cancellationToken)
    {
        TransportTrial trial = new(bench);
        await trial.ExportAsync(TransportTrial.Spec(1), cancellationToken);
        await trial.RunAndFailAsync(await bench.Transport.PlanUnexportAsync(TransportTrial.Spec(1).VolumeId, cancellationToken), cancellationToken);
        await using ITransportHost host = await trial.ConnectAsync(TransportTrial.Host, cancellationToken);
        await host.ReadAsync(1, 0, new byte[4096], cancellationToken);
    }

    private static async Task TakenNumberIsConflictAsync(TransportBench bench, CancellationToken cancellationToken)
    {
        TransportTrial trial = new(bench);
        await trial.ExportAsync(TransportTrial.Spec(1), cancellationToken);
        await TransportTrial.RequireAsync(
            StorageErrorKind.Conflict, () => trial.ExportAsync(TransportTrial.Spec(2) with { NamespaceId = 1 }, cancellationToken));
    }

    private static async Task ListedIsExportedAsync(TransportBench bench, CancellationToken cancellationToken)
    {
        TransportTrial trial = new(bench);
        ExportSpec other = TransportTrial.Spec(2, bench.HidesFromOtherHosts ? TransportTrial.OtherHost : TransportTrial.Host) with { ReadOnly = bench.ServesReadOnly };
        await trial.ExportAsync(TransportTrial.Spec(1), cancellationToken);
        await trial.ExportAsync(other, cancellationToken);
        IReadOnlyList<ExportInfo> listed = await trial.ListAsync(cancellationToken);
        foreach (ExportSpec spec in (ExportSpec[])[TransportTrial.Spec(1), other])
        {
            ExportInfo? found = listed.FirstOrDefault(e => e.VolumeId == spec.VolumeId);
            bool same = found is not null && found.Subsystem == spec.Subsystem && found.NamespaceId == spec.NamespaceId && found.ReadOnly == spec.ReadOnly
                && found.AllowedHosts.SequenceEqual(trial.Asked(spec).AllowedHosts.Select(h => h.Host));
            TransportTrial.Require(same, $"{spec.Subject} is listed as {found}");
        }
    }
}
