using System.Globalization;
using EveStorage.Cli.Api;
using Microsoft.Win32.SafeHandles;
using Spectre.Console;

namespace EveStorage.Cli;

/// <summary>Starts an operation and stays with it to its end: a bar on a terminal, plain lines elsewhere. Ctrl-C asks it to stop and undo.</summary>
internal static class OperationWatch
{
    private const int LinePercent = 10;

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
                output.WriteLine($"{ended.Request.Subject}: {string.Join(", ", ended.Results.Select(result => $"{result.Key} {ForPerson(result.Key, result.Value)}").DefaultIfEmpty("done"))}");
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
            if (!invocation.Json && report.Progress is { Total: ByteSize { Bytes: > 0 } total } progress
                && (int)(progress.Done.Bytes * 100.0 / total.Bytes) / LinePercent is int tens && tens != told)
            {
                told = tens;
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
                    if (report.Progress is { Total: ByteSize total } progress)
                    {
                        if (bar is null || title != progress.Title)
                        {
                            bar?.StopTask();
                            title = progress.Title;
                            bar = bars.AddTask(Markup.Escape(title), maxValue: total.Bytes);
                        }

                        bar.Value = progress.Done.Bytes;
                    }
                }
            });
        return last ?? throw new StorageException(StorageErrorKind.Io, "operation", "ended without a word");
    }

    private static string ForPerson(string key, string value)
        => key is "size" or "written" or "read" or "fetched" or "spooled" or "resumedAt" && long.TryParse(value, CultureInfo.InvariantCulture, out long bytes) ? new ByteSize(bytes).ForPerson() : value;

    private static string Describe(ProgressReport progress)
        => string.Create(
            CultureInfo.InvariantCulture,
            $"{progress.Title}: {progress.Done.ForPerson()} of {progress.Total?.ForPerson()}, {progress.BytesPerSecond.Bytes / 1048576.0:0.#} MiB/s{(progress.Remaining is TimeSpan left ? $", {left.TotalSeconds:0} s left" : "")}");
}
