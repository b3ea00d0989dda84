using System.Globalization;
using EveStorage.Cli.Api;
using EveStorage.Cli.Urls;
using EveStorage.Host.Images;
using EveStorage.Host.Locks;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Host.Operations;

/// <summary>
/// Imports that were cut short after some of their image was safely copied. They are kept for a time, for the same import of the
/// same image to go on with; who asks for another image, or for nothing until that time is over, finds them undone.
/// </summary>
internal sealed partial class OperationRunner
{
    private bool _stopping;

    private TimeSpan Keep => tools.Images.Keep;

    /// <summary>Goes on with those whose image the host fetches itself, and undoes those that were kept long enough.</summary>
    /// <returns>Whether some are left.</returns>
    internal async Task<bool> GoOnAsync(CancellationToken cancellationToken)
    {
        await RecoverAsync(cancellationToken);
        foreach (OperationReport kept in tools.Journal.ReadOpen().Select(document => document.Operation).Where(operation => operation.State == OperationState.Interrupted))
        {
            try
            {
                if (kept.Request is ImportImage { Url: string url })
                {
                    tools.Images.RequireAllowed(UrlRule.Parse(url), new Caller(kept.UserId));
                    await SubmitAsync(kept.Request, null, new Caller(kept.UserId), cancellationToken);
                }
            }
            catch (StorageException e)
            {
                LogNotYet(kept.Id, e.Message);
            }
        }

        return tools.Journal.ReadOpen().Any(document => document.Operation.State == OperationState.Interrupted);
    }

    /// <summary>Undoes one that is kept.</summary>
    private Task DropAsync(OperationDocument kept, CancellationToken cancellationToken)
        => RecoverAsync(kept.Operation.Id, still => still.Operation.State == OperationState.Interrupted ? still with { Copied = null } : null, cancellationToken);

    /// <summary>What an earlier import of the same left, which is then this caller's to go on with; null for nothing. One of another image is undone.</summary>
    private async Task<(OperationDocument Document, HeldLock Own)?> TakeKeptAsync(ChangeRequest request, SafeFileHandle? image, CancellationToken cancellationToken)
    {
        if (request is not ImportImage import)
        {
            return null;
        }

        foreach (OperationDocument document in tools.Journal.ReadOpen().Where(document => document.Operation.State == OperationState.Interrupted
            && document.Operation.Request is ImportImage other && other.Pool == import.Pool && other.Volume == import.Volume))
        {
            if (document.Operation.Request.Equals(import) && document.Copied is CopyMark mark && await IdentityAsync(import, image, cancellationToken) == mark.Source)
            {
                if (tools.Journal.TryOwn(document.Operation.Id) is HeldLock own)
                {
                    return (document, own);
                }
            }
            else
            {
                await DropAsync(document, cancellationToken);
            }
        }

        return null;
    }

    private async Task<string?> IdentityAsync(ImportImage import, SafeFileHandle? image, CancellationToken cancellationToken)
    {
        if (import.Url is not string url)
        {
            return image is null ? null : Linux.ExistingFile.IdentityOf(image, import.ImageName);
        }

        await using ImageInput input = await tools.Images.OpenUrlAsync(UrlRule.Parse(url), import.ImageName, digest: false, cancellationToken);
        return input.Ranges?.Identity;
    }

    // Whether what was cut short is kept rather than undone: not when it was being undone, nor when it had reached its end.
    private async Task<bool> TryKeepAsync(RunningOperation running, OperationDocument document, IChangePlanner planner, CancellationToken cancellationToken)
    {
        if (document is not { Operation.State: OperationState.Running, Copied: CopyMark } || Keep == TimeSpan.Zero
            || await planner.PlanUndoAsync(document.Operation.Request, ContextOf(document), cancellationToken) is null)
        {
            return false;
        }

        End(running, report => Interrupted(report, document.Copied));
        return true;
    }

    private OperationReport Interrupted(OperationReport report, CopyMark mark)
    {
        string until = (time.GetUtcNow() + Keep).ToString("u", CultureInfo.InvariantCulture);
        string how = report.Request is ImportImage { Url: not null } ? "the daemon goes on with it, or the same import does" : "the same import of the same image goes on with it";
        return report with
        {
            State = OperationState.Interrupted,
            Error = new(StorageErrorKind.Io, report.Request.Subject, $"was cut short; {mark.Copied} of its disk are copied and kept until {until}: {how}, and `evestorage operation cancel {report.Id}` removes it"),
        };
    }

    private bool Leaves(RunningOperation running) => _stopping && Keep > TimeSpan.Zero && running.Copied is not null;

    private bool IsOver(OperationReport operation)
        => operation.State == OperationState.Interrupted && operation.Ended is DateTimeOffset ended && ended + Keep <= time.GetUtcNow();
}
