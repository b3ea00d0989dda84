namespace EveStorage.Nvmet;

/// <summary>Notes what goes next, so that after a crash it goes all the same.</summary>
internal sealed class NoteLeaving(NvmetTree tree, LeavingNotes notes, Guid volume, Leaving leaving)
    : NvmetStep(tree, $"note that volume {volume} or hosts leave {leaving.Subsystem}")
{
    private Leaving? _before;
    private bool _noted;

    protected override bool IsSo(Guid? operation)
        => notes.Find(volume) is Leaving now && now.Subsystem == leaving.Subsystem && now.Hosts.SequenceEqual(leaving.Hosts);

    protected override bool IsOf(Guid operation) => _noted;

    protected override ValueTask MakeAsync(Guid operation, CancellationToken cancellationToken)
    {
        _before = notes.Find(volume);
        notes.Write(volume, leaving);
        _noted = true;
        return default;
    }

    protected override ValueTask UndoAsync(Guid operation, CancellationToken cancellationToken)
    {
        if (_noted && _before is not null)
        {
            notes.Write(volume, _before);
        }
        else if (_noted)
        {
            notes.Forget(volume);
        }

        return default;
    }
}
