namespace EveStorage.Nvmet;

/// <summary>Takes the note of what was to go away: all of it is gone.</summary>
internal sealed class EndLeaving(NvmetTree tree, LeavingNotes notes, Guid volume, Leaving left) : NvmetStep(tree, $"note that all of it has left {left.Subsystem}")
{
    private bool _ended;

    protected override bool IsSo(Guid? operation) => notes.Find(volume) is null;

    protected override bool IsOf(Guid operation) => _ended;

    protected override ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken)
    {
        notes.Forget(volume);
        _ended = true;
        return default;
    }

    protected override ValueTask UndoAsync(Guid operation, CancellationToken cancellationToken)
    {
        if (_ended)
        {
            notes.Write(volume, left);   // it comes back in part, and a crash may come before the rest does
        }

        return default;
    }
}
