using System.Globalization;
using System.Numerics;
using EveStorage.Cli.Api;
using Microsoft.Win32.SafeHandles;
using Spectre.Console;

namespace EveStorage.Cli;

/// <summary>Starts an operation and stays with it to its end: a bar on a terminal, plain lines elsewhere. Ctrl-C asks it to stop and undo.</summary>
internal static class OperationWatch
{
    private const int LinePercent = 10;

    // From 16 MiB on.
    private const int FirstLineShift = 24;

    /// <summary>Runs a request to its end.</summary>
    internal static async Task<OperationReport> RunAsync(
        Invocation invocation, IStorageApi api, ChangeRequest request, SafeFileHandle? image, CancellationToken cancellationToken)
    {
        Guid id = await api.SubmitAsync(request, image, cancellationToken);
        Task cancelling = Task.CompletedTask;
        OperationReport last;
        await using (cancellationToken.Register(() => cancelling = CancelAsync(api, id)))
        {
            IAsyncEnumerable<OperationReport> reports = api.WatchOperationAsync(id, CancellationToken.None);
            last = invocation.IsInteractive ? await ShowBarAsync(reports) : await ShowLinesAsync(invocation, reports);
        }

        await cancelling;
        return last.State.IsUnderWay()
            ? throw new StorageException(
                StorageErrorKind.Unavailable, "daemon", $"stopped before operation {id} had ended: it is undone, or finished at the next start; see `evestorage operation show {id}` then")
            : last;
    }

    /// <summary>Tells how it ended.</summary>
    /// <returns>The exit code.</returns>
    internal static int Conclude(Invocation invocation, OperationReport ended)
    {
        invocation.Answer(ended, output =>
        {
            if (ended.State == OperationState.Succeeded)
            {
                output.WriteLine($"{ended.Request.Subject}: {string.Join(", ", ended.Results.Select(result => $"{result.Key} {OperationResults.ForPerson(result.Key, result.Value)}").DefaultIfEmpty("done"))}");
            }
            else if (ended.State == OperationState.Cancelled)
            {
                invocation.Error.WriteLine($"evestorage: {ended.Request.Subject}: cancelled, and undone");
            }
        });
        if (ended.Error is ErrorReport error)
        {
            invocation.Tell(error);
            return ExitCodes.Of(error.Kind);
        }

        return ended.State == OperationState.Succeeded ? ExitCodes.Success : ExitCodes.Cancelled;
    }

    // Who can't be asked to stop has stopped, or ends; how is what the watch tells.
    private static async Task CancelAsync(IStorageApi api, Guid id)
    {
        try
        {
            await api.CancelOperationAsync(id, CancellationToken.None);
        }
        catch (StorageException e) when (e.Kind is StorageErrorKind.Unavailable or StorageErrorKind.NotFound)
        {
        }
    }

    private static async Task<OperationReport> ShowLinesAsync(Invocation invocation, IAsyncEnumerable<OperationReport> reports)
    {
        OperationReport? last = null;
        int told = -1;
        await foreach (OperationReport report in reports)
        {
            last = report;
            if (!invocation.Json && report.Progress is ProgressReport progress && LineOf(progress) is int line && line != told)
            {
                told = line;
                await invocation.Error.WriteLineAsync(Describe(progress));
            }
        }

        return last ?? throw new StorageException(StorageErrorKind.Io, "operation", "ended without a word");
    }

    private static async Task<OperationReport> ShowBarAsync(IAsyncEnumerable<OperationReport> reports)
    {
        OperationReport? last = null;
        IAnsiConsole console = AnsiConsole.Create(new() { Out = new AnsiConsoleOutput(Console.Error) });
        await console.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new DownloadedColumn(), new TransferSpeedColumn(), new RemainingTimeColumn())
            .StartAsync(async bars =>
            {
                ProgressTask? bar = null;
                string title = "";
                await foreach (OperationReport report in reports)
                {
                    last = report;
                    if (report.Progress is ProgressReport progress)
                    {
                        if (bar is null || title != progress.Title)
                        {
                            bar?.StopTask();
                            title = progress.Title;
                            bar = bars.AddTask(Markup.Escape(title), maxValue: 1);
                            bar.IsIndeterminate = progress.Total is null;
                        }

                        bar.MaxValue = progress.Total?.Bytes ?? progress.Done.Bytes + 1;
                        bar.Value = progress.Done.Bytes;
                    }
                }
            });
        return last ?? throw new StorageException(StorageErrorKind.Io, "operation", "ended without a word");
    }

    // Each tenth of what has an end, and each doubling of what has none.
    private static int LineOf(ProgressReport progress)
        => progress.Total is ByteSize { Bytes: > 0 } total ? (int)(progress.Done.Bytes * 100.0 / total.Bytes) / LinePercent : -2 - BitOperations.Log2((ulong)(progress.Done.Bytes >> FirstLineShift));

    private static string Describe(ProgressReport progress)
        => string.Create(
            CultureInfo.InvariantCulture,
            $"{progress.Title}: {progress.Done.ForPerson()}{(progress.Total is ByteSize total ? $" of {total.ForPerson()}" : "")}{(progress.BytesPerSecond.Bytes > 0 ? $", {progress.BytesPerSecond.ForPerson()}/s" : "")}{(progress.Remaining is TimeSpan left ? $", {left.TotalSeconds:0} s left" : "")}");
}
