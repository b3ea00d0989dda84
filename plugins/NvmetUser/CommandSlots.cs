namespace EveStorage.NvmetUser;

/// <summary>A queue's places for commands, and those whose work is over and who wait to be answered.</summary>
internal sealed class CommandSlots
{
    private readonly Lock _gate = new();
    private readonly CommandSlot[] _slots;
    private readonly Stack<CommandSlot> _free;
    private readonly CommandSlot[] _ended;
    private int _endedCount;

    internal CommandSlots(IoQueue queue, int count)
    {
        _slots = [.. Enumerable.Range(0, count).Select(i => new CommandSlot(queue, (ushort)i))];
        _free = new(_slots);
        _ended = new CommandSlot[count];
    }

    /// <summary>Whether one is free.</summary>
    internal bool HasFree => _free.Count > 0;

    /// <summary>Those that wait for their turn, for memory or for the host.</summary>
    internal IEnumerable<CommandSlot> Waiting => _slots.Where(s => s.State is SlotState.Turn or SlotState.Memory or SlotState.HostData);

    /// <summary>The one that waits for the host's data under that tag; null when there is none.</summary>
    internal CommandSlot? FindAwaiting(ushort tag, ushort commandId)
        => tag < _slots.Length && _slots[tag] is { State: SlotState.HostData } slot && slot.CommandId == commandId ? slot : null;

    /// <summary>The one of that tag.</summary>
    internal CommandSlot this[ushort tag] => _slots[tag];

    /// <summary>Takes a free one for a command.</summary>
    internal CommandSlot Take(ushort commandId, IoCommand command)
    {
        CommandSlot slot = _free.Pop();
        (slot.CommandId, slot.Opcode, slot.Durability) = (commandId, command.Opcode, command.Durability);
        (slot.Volume, slot.Subject) = (command.Export!.Volume, command.Export.Spec.Subject);
        (slot.Offset, slot.Length, slot.Ranges) = (command.Offset, command.Length, command.Ranges);
        (slot.Received, slot.Status, slot.Syncing) = (0, NvmeOf.NvmeStatus.Success, false);
        (slot.RangeCount, slot.Limit) = (command.RangeCount, command.Export.Limit);
        return slot;
    }

    /// <summary>Gives one back.</summary>
    internal void Free(CommandSlot slot)
    {
        (slot.State, slot.Buffer, slot.Holds, slot.Data, slot.Ranges) = (SlotState.Free, null, false, default, []);
        _free.Push(slot);
    }

    /// <summary>The work of one is over. From any thread.</summary>
    internal void End(CommandSlot slot)
    {
        lock (_gate)
        {
            _ended[_endedCount++] = slot;
        }
    }

    /// <summary>Takes one whose work is over; null when there is none.</summary>
    internal CommandSlot? TakeEnded()
    {
        lock (_gate)
        {
            return _endedCount == 0 ? null : _ended[--_endedCount];
        }
    }
}
