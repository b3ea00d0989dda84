using System.Globalization;
using EveStorage.Host.Api;
using Microsoft.Win32.SafeHandles;
using Spectre.Console;

namespace EveStorage.Host.Cli;

/// <summary>Starts an operation and stays with it to its end: a bar on a terminal, plain lines elsewhere. Ctrl-C asks it to stop and undo.</summary>
internal static class OperationWatch
{
    private const int LinePercent = 10;

    /// <summary>Runs a request to its end.</summary>
    internal static async Task<OperationReport> RunAsync(
        Invocation invocation, IStorageApi api, ChangeRequest request, SafeFileHandle? image, CancellationToken cancellationToken)
    {
        Guid id = await api.SubmitAsync(request, image, cancellationToken);
        await using CancellationTokenRegistration stop = cancellationToken.Register(() => _ = api.CancelOperationAsync(id, CancellationToken.None));
        IAsyncEnumerable<OperationReport> reports = api.WatchOperationAsync(id, CancellationToken.None);
        return invocation.IsInteractive ? await ShowBarAsync(reports) : await ShowLinesAsync(invocation, reports);
    }

    /// <summary>Tells how it ended.</summary>
    /// <returns>The exit code.</returns>
    internal static int Conclude(Invocation invocation, OperationReport ended)
    {
        invocation.Answer(ended, output =>
        {
            if (ended.State == OperationState.Succeeded)
            {
                output.WriteLine($"{ended.Request.Subject}: {string.Join(", ", ended.Results.Select(result => $"{result.Key} {result.Value}").DefaultIfEmpty("done"))}");
            }
        });
        if (ended.Error is ErrorReport error)
        {
            invocation.Tell(error);
            return ExitCodes.Of(error.Kind);
        }

        return ended.State == OperationState.Succeeded ? ExitCodes.Success : ExitCodes.Cancelled;
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
                await foreach (OperationReport report in reports)
                {
                    last = report;
                    if (report.Progress is { Total: ByteSize total } progress)
                    {
                        bar ??= bars.AddTask(Markup.Escape(progress.Title), maxValue: total.Bytes);
                        bar.Description = Markup.Escape(progress.Title);
                        bar.Value = progress.Done.Bytes;
                    }
                }
            });
        return last ?? throw new StorageException(StorageErrorKind.Io, "operation", "ended without a word");
    }

    private static string Describe(ProgressReport progress)
        => string.Create(
            CultureInfo.InvariantCulture,
            $"{progress.Title}: {progress.Done} of {progress.Total}, {progress.BytesPerSecond.Bytes / 1048576.0:0.#} MiB/s, {progress.Remaining?.TotalSeconds ?? 0:0} s left");
}
