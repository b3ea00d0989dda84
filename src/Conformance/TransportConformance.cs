namespace EveStorage.Conformance;

/// <summary>What every transport promises its hosts. Plans have cases of their own, and <see cref="Cases"/> has both.</summary>
public static class TransportConformance
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    /// <summary>The cases, in the order a person would check them.</summary>
    public static IReadOnlyList<TransportCase> Cases { get; } =
    [
        new("A host that is named connects, and finds what it wrote when it comes back", NamedHostIsServedAsync),
        new("A host that is not named is refused", UnnamedHostIsRefusedAsync) { IsAboutHosts = true },
        new("An export that names nobody is closed to everybody", NobodyIsServedAsync) { IsAboutHosts = true },
        new("A read-only export gives what is there and refuses writes", ReadOnlyRefusesWritesAsync),
        new("A host knows a volume by the volume's id, also when its export ended and came back", IdIsTheVolumesAsync),
        new("A connected host sees a volume that grew once it is told", GrowthIsSeenAsync),
        new("A connected host sees what is added to its subsystem and what is taken away", AddedAndRemovedAreSeenAsync),
        new("Two exports of one subsystem are seen each by its own hosts", ExportsAreMaskedAsync) { IsAboutHosts = true },
        new("A host that is taken off the list reads no more", RemovedHostReadsNoMoreAsync) { IsAboutHosts = true },
        .. TransportPlanCases.All,
    ];

    /// <summary>Ends every export that a case left.</summary>
    public static async Task EndAsync(TransportBench bench, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(bench);
        foreach (ExportInfo export in await bench.Transport.ListExportsAsync(cancellationToken).ToListAsync(cancellationToken))
        {
            if (TransportTrial.IsOfCase(export))
            {
                await bench.Run(await bench.Transport.PlanUnexportAsync(export.VolumeId, cancellationToken), TransportTrial.NewRequest(), cancellationToken);
            }
        }
    }

    private static async Task NamedHostIsServedAsync(TransportBench bench, CancellationToken cancellationToken)
    {
        TransportTrial trial = new(bench);
        await trial.ExportAsync(TransportTrial.Spec(1), cancellationToken);
        byte[] written = [.. Enumerable.Range(0, 4096).Select(i => (byte)i)];
        await using (ITransportHost host = await trial.ConnectAsync(TransportTrial.Host, cancellationToken))
        {
            await host.WriteAsync(1, 8192, written, cancellationToken);
        }

        await using ITransportHost again = await trial.ConnectAsync(TransportTrial.Host, cancellationToken);
        byte[] read = new byte[written.Length];
        await again.ReadAsync(1, 8192, read, cancellationToken);
        TransportTrial.Require(read.AsSpan().SequenceEqual(written), "what was written is not there");
    }

    private static async Task UnnamedHostIsRefusedAsync(TransportBench bench, CancellationToken cancellationToken)
    {
        TransportTrial trial = new(bench);
        await trial.ExportAsync(TransportTrial.Spec(1), cancellationToken);
        await trial.RequireRefusedAsync(TransportTrial.OtherHost, cancellationToken);
    }

    private static async Task NobodyIsServedAsync(TransportBench bench, CancellationToken cancellationToken)
    {
        TransportTrial trial = new(bench);
        await trial.ExportAsync(TransportTrial.Spec(1) with { AllowedHosts = [] }, cancellationToken);
        await trial.RequireRefusedAsync(TransportTrial.Host, cancellationToken);
    }

    private static async Task ReadOnlyRefusesWritesAsync(TransportBench bench, CancellationToken cancellationToken)
    {
        TransportTrial trial = new(bench);
        if (!bench.ServesReadOnly)
        {
            await TransportTrial.RequireAsync(StorageErrorKind.NotSupported, () => trial.PlanAsync(TransportTrial.Spec(1) with { ReadOnly = true }, cancellationToken));
            return;
        }

        await trial.ExportAsync(TransportTrial.Spec(1) with { ReadOnly = true }, cancellationToken);
        await using ITransportHost host = await trial.ConnectAsync(TransportTrial.Host, cancellationToken);
        await host.ReadAsync(1, 0, new byte[4096], cancellationToken);
        await TransportTrial.RequireFailsAsync("a write", async () => await host.WriteAsync(1, 0, new byte[4096], cancellationToken));
    }

    private static async Task IdIsTheVolumesAsync(TransportBench bench, CancellationToken cancellationToken)
    {
        TransportTrial trial = new(bench);
        ExportSpec spec = TransportTrial.Spec(1);
        for (int i = 0; i < 2; i++)
        {
            await trial.ExportAsync(spec, cancellationToken);
            await using (ITransportHost host = await trial.ConnectAsync(TransportTrial.Host, cancellationToken))
            {
                Guid id = await host.GetIdAsync(1, cancellationToken);
                TransportTrial.Require(id == spec.VolumeId, $"the id is {id}, not the volume's {spec.VolumeId}");
            }

            await trial.EndAsync(spec, cancellationToken);
        }
    }

    private static async Task GrowthIsSeenAsync(TransportBench bench, CancellationToken cancellationToken)
    {
        TransportTrial trial = new(bench);
        ITransportVolume volume = await trial.ExportAsync(TransportTrial.Spec(1), cancellationToken);
        await using ITransportHost host = await trial.ConnectAsync(TransportTrial.Host, cancellationToken);
        await volume.GrowAsync(ByteSize.MiB(2), cancellationToken);
        await bench.Run(await bench.Transport.PlanResizeAsync(TransportTrial.Spec(1).VolumeId, cancellationToken), TransportTrial.NewRequest(), cancellationToken);
        await WaitAsync(host, cancellationToken);
        ByteSize size = await host.GetSizeAsync(1, cancellationToken);
        TransportTrial.Require(size == ByteSize.MiB(2), $"the host sees {size}, not 2MiB");
    }

    private static async Task AddedAndRemovedAreSeenAsync(TransportBench bench, CancellationToken cancellationToken)
    {
        TransportTrial trial = new(bench);
        await trial.ExportAsync(TransportTrial.Spec(1), cancellationToken);
        await using ITransportHost host = await trial.ConnectAsync(TransportTrial.Host, cancellationToken);
        await trial.ExportAsync(TransportTrial.Spec(2), cancellationToken);
        await WaitUntilSeesAsync(host, [1, 2], cancellationToken);
        await trial.EndAsync(TransportTrial.Spec(2), cancellationToken);
        await WaitUntilSeesAsync(host, [1], cancellationToken);
    }

    private static async Task ExportsAreMaskedAsync(TransportBench bench, CancellationToken cancellationToken)
    {
        TransportTrial trial = new(bench);
        await trial.ExportAsync(TransportTrial.Spec(1), cancellationToken);
        if (!bench.HidesFromOtherHosts)
        {
            await TransportTrial.RequireAsync(
                StorageErrorKind.NotSupported, () => trial.PlanAsync(TransportTrial.Spec(2, TransportTrial.Host, TransportTrial.OtherHost), cancellationToken));
            return;
        }

        await trial.ExportAsync(TransportTrial.Spec(2, TransportTrial.Host, TransportTrial.OtherHost), cancellationToken);
        await using ITransportHost both = await trial.ConnectAsync(TransportTrial.Host, cancellationToken);
        await using ITransportHost one = await trial.ConnectAsync(TransportTrial.OtherHost, cancellationToken);
        await RequireSeesAsync(both, [1, 2], cancellationToken);
        await RequireSeesAsync(one, [2], cancellationToken);
        await TransportTrial.RequireFailsAsync("a read of a hidden namespace", async () => await one.ReadAsync(1, 0, new byte[4096], cancellationToken));
    }

    private static async Task RemovedHostReadsNoMoreAsync(TransportBench bench, CancellationToken cancellationToken)
    {
        TransportTrial trial = new(bench);
        await trial.ExportAsync(TransportTrial.Spec(1, TransportTrial.Host, TransportTrial.OtherHost), cancellationToken);
        await using ITransportHost host = await trial.ConnectAsync(TransportTrial.OtherHost, cancellationToken);
        await host.ReadAsync(1, 0, new byte[4096], cancellationToken);
        await trial.ExportAsync(TransportTrial.Spec(1), cancellationToken);
        await TransportTrial.RequireFailsAsync("a read by a host no longer listed", async () => await host.ReadAsync(1, 0, new byte[4096], cancellationToken));
    }

    // A host may tell one change in several: that there is a namespace, and then its size.
    private static async Task WaitUntilSeesAsync(ITransportHost host, int[] expected, CancellationToken cancellationToken)
    {
        do
        {
            await WaitAsync(host, cancellationToken);
        }
        while (!(await host.ListAsync(cancellationToken)).SequenceEqual(expected));
    }

    private static async Task RequireSeesAsync(ITransportHost host, int[] expected, CancellationToken cancellationToken)
    {
        IReadOnlyList<int> seen = await host.ListAsync(cancellationToken);
        TransportTrial.Require(seen.SequenceEqual(expected), $"a host sees {string.Join(", ", seen)}, not {string.Join(", ", expected)}");
    }

    private static async Task WaitAsync(ITransportHost host, CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_patience);
        try
        {
            await host.WaitForChangeAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ConformanceException("a connected host was told nothing");
        }
    }
}
