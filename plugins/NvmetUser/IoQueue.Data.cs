using EveStorage.NvmeOf;

namespace EveStorage.NvmetUser;

// Where the data of commands lies: in the capsule as it was received, or in a buffer for which the host is asked to send it.
internal sealed partial class IoQueue
{
    private readonly Queue<CommandSlot> _wanting = new();   // memory
    private int _awaiting;

    internal override bool AwaitsData => _awaiting > 0;

    internal override int InCapsule => Limits.InCapsule;

    internal override Termination? BeginData(TransferHeader transfer, out Memory<byte> target)
    {
        target = default;
        if (_slots.FindAwaiting(transfer.TransferTag, transfer.CommandId) is not CommandSlot slot)
        {
            return new(TerminationReason.SequenceError, 0);
        }

        if (transfer.Offset != slot.Received || transfer.Length > slot.Length - slot.Received)
        {
            return new(TerminationReason.DataOutOfRange, TransferHeader.OffsetAt);
        }

        target = slot.Data.Slice(slot.Received, (int)transfer.Length);
        return null;
    }

    internal override void EndData(TransferHeader transfer, bool damaged)
    {
        CommandSlot slot = _slots[transfer.TransferTag];
        slot.Received += (int)transfer.Length;
        slot.Status = damaged ? NvmeStatus.TransientTransportError : slot.Status;
        if (slot.Received == slot.Length)
        {
            _awaiting--;
            if (slot.RangeCount > 0 && slot.Status.IsSuccess)
            {
                slot.Status = IoChecks.ReadRanges(slot.Data.Span, slot.RangeCount, slot.Volume, out (long, long)[] ranges);
                slot.Ranges = ranges;
            }

            RunOrRefuse(slot);
        }
    }

    // One buffer for each command and no more, so that none that has memory waits for another that has.
    private void Want(CommandSlot slot)
    {
        slot.State = SlotState.Memory;
        if (_wanting.Count > 0 || !TryTakeMemory(slot))
        {
            _wanting.Enqueue(slot);
            _target.Buffers.WakeLater(_connection);
            _connection.Wake();   // so that it asks once more, or a buffer that came back just now would wake nobody
        }
    }

    private bool TryTakeMemory(CommandSlot slot)
    {
        slot.Buffer = _target.Buffers.TryRent((int)slot.Length, _controller.Memory);
        if (slot.Buffer is null)
        {
            return false;
        }

        slot.Data = slot.Buffer.Memory[..(int)slot.Length];
        if (slot.Opcode == IoOpcode.Read)
        {
            RunOrRefuse(slot);
        }
        else
        {
            slot.State = SlotState.HostData;
            _awaiting++;
            _connection.NoteAsked();
            _connection.Output.AddReadyToTransfer(new(slot.CommandId, slot.Index, 0, (uint)slot.Length));
        }

        return true;
    }

    // What waits leaves the room in which it was received to what comes behind it, and lies as a device wants it. Without memory it
    // stays, and they wait for it.
    private void SetAside(CommandSlot slot)
    {
        if (slot.Holds && slot.Length > Limits.HeldInCapsule && _wanting.Count == 0
            && _target.Buffers.TryRent((int)slot.Length, _controller.Memory) is PageBuffer buffer)
        {
            slot.Data.CopyTo(buffer.Memory);
            (slot.Buffer, slot.Data, slot.Holds) = (buffer, buffer.Memory[..(int)slot.Length], false);
            _connection.Input.Release();
        }
    }
}
