using EveStorage.NvmeOf;

namespace EveStorage.NvmetUser;

/// <summary>
/// An I/O queue. What is cached is read, and what the cache takes is written, at once on the connection's thread; the rest runs
/// elsewhere and its end is picked up here.
/// </summary>
internal sealed class IoQueue : CommandQueue
{
    private readonly QueueConnection _connection;
    private readonly Target _target;
    private readonly Controller _controller;
    private readonly int _id;
    private readonly IoChecks _checks;
    private readonly CommandSlot[] _slots;
    private readonly Stack<CommandSlot> _free;
    private readonly Queue<CommandSlot> _wanting = new();   // memory
    private readonly Lock _gate = new();
    private readonly CommandSlot[] _ended;
    private int _endedCount;
    private bool _endedHere;
    private int _running;
    private int _awaiting;

    internal IoQueue(QueueConnection connection, Target target, Controller controller, int id, int size)
    {
        (_connection, _target, _controller, _id) = (connection, target, controller, id);
        _checks = new(controller);
        _slots = [.. Enumerable.Range(0, size).Select(i => new CommandSlot(this, (ushort)i))];
        _free = new(_slots);
        _ended = new CommandSlot[size];
    }

    internal override bool HasRoom => _free.Count > 0;

    internal override bool IsBusy => _running > 0;

    internal override bool AwaitsData => _awaiting > 0;

    internal override void Execute(SubmissionEntry entry, ReadOnlyMemory<byte> data)
    {
        NvmeStatus status = _controller.Registers.IsReady ? Begin(entry, data) : NvmeStatus.CommandSequenceError;
        if (!status.IsSuccess)
        {
            _connection.Respond(entry.CommandId, status);
        }
    }

    internal override Termination? BeginData(TransferHeader transfer, out Memory<byte> target)
    {
        target = default;
        CommandSlot? slot = transfer.TransferTag < _slots.Length ? _slots[transfer.TransferTag] : null;
        if (slot?.State != SlotState.HostData || slot.CommandId != transfer.CommandId)
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
        if (slot.Received < slot.Length)
        {
            return;
        }

        _awaiting--;
        if (slot.Status.IsSuccess)
        {
            RunNow(slot);
        }
        else
        {
            slot.Volume.Exit();
            Release(slot);
        }
    }

    internal override void TakeNews()
    {
        while (TakeEnded() is CommandSlot slot)
        {
            _running--;
            Release(slot);
        }

        while (_wanting.TryPeek(out CommandSlot? next) && TryTakeMemory(next))
        {
            _wanting.Dequeue();
        }

        if (_wanting.Count > 0)
        {
            _target.Buffers.WakeLater(_connection);
        }
    }

    internal override void End()
    {
        _target.Buffers.Forget(_connection);
        foreach (CommandSlot slot in _slots.Where(s => s.State is SlotState.Memory or SlotState.HostData))
        {
            slot.Volume.Exit();
            Free(slot);
        }

        _controller.Remove(_id, _connection.Counters);
    }

    /// <summary>What a command does that waits for its volume.</summary>
    internal static ValueTask WorkAsync(CommandSlot slot)
    {
        IBlockSource source = slot.Volume.Source;
        return slot.Opcode switch
        {
            IoOpcode.Read => IoWork.ReadAsync(slot),
            IoOpcode.Write => source.WriteAsync(slot.Offset, slot.Data, slot.Durability, CancellationToken.None),
            IoOpcode.Flush => new(slot.Volume.Flushes.FlushAsync()),
            IoOpcode.WriteZeroes => IoWork.WriteZeroesAsync(slot),
            _ => IoWork.DiscardAsync(slot),
        };
    }

    /// <summary>A command's work is over. From any thread.</summary>
    internal void Finish(CommandSlot slot, Exception? failure)
    {
        slot.Status = failure is null ? NvmeStatus.Success : _target.StatusOf(slot, failure);
        slot.Volume.Exit();
        if (_connection.IsCurrent)
        {
            _endedHere = true;   // RunNow goes on with it
            return;
        }

        lock (_gate)
        {
            _ended[_endedCount++] = slot;
        }

        _connection.Wake();
    }

    private NvmeStatus Begin(SubmissionEntry entry, ReadOnlyMemory<byte> data)
    {
        IoCommand command = _checks.Check(entry, data);
        if (!command.Status.IsSuccess)
        {
            return command.Status;
        }

        if (command.Export is not Export export)
        {
            _connection.Respond(entry.CommandId, NvmeStatus.Success);   // there is nothing to do
            return NvmeStatus.Success;
        }

        if (!export.Volume.TryEnter())
        {
            return NvmeStatus.InvalidNamespace;
        }

        switch (command.Opcode)
        {
            case IoOpcode.Read when command.Durability == WriteDurability.Cached && TryRead(entry, command):
                break;
            case IoOpcode.Read:
                Count(command);
                Want(Take(entry, command, export));
                break;
            case IoOpcode.Write when entry.Sgl.Identifier == Sgl.ByTransport:
                Count(command);
                Want(Take(entry, command, export));
                break;
            case IoOpcode.Write:
                Count(command);
                CommandSlot slot = Take(entry, command, export);
                slot.Data = System.Runtime.InteropServices.MemoryMarshal.AsMemory(data);   // only read
                slot.Holds = true;
                _connection.Input.Hold();
                RunNow(slot);
                break;
            default:
                CommandSlot other = Take(entry, command, export);
                other.Ranges = command.Ranges;
                other.State = SlotState.Volume;
                _running++;
                other.RunElsewhere();
                break;
        }

        return NvmeStatus.Success;
    }

    private bool TryRead(SubmissionEntry entry, IoCommand command)
    {
        NvmeStatus status = NvmeStatus.Success;
        try
        {
            if (!command.Export!.Volume.Source.TryRead(command.Offset, _connection.Output.ReserveData((int)command.Length)))
            {
                return false;
            }

            _connection.Output.AddData(entry.CommandId, 0, (int)command.Length, last: true, _connection.SkipsResponses);
        }
        catch (StorageException e)
        {
            status = Target.StatusOf(IoOpcode.Read, e);
        }

        Count(command);
        command.Export!.Volume.Exit();
        if (!_connection.SkipsResponses || !status.IsSuccess)
        {
            _connection.Respond(entry.CommandId, status);
        }

        return true;
    }

    private void Count(IoCommand command)
    {
        ulong blocks = (ulong)command.Length / NamespaceIdentity.BlockSize;
        IoCounters counters = _connection.Counters;
        if (command.Opcode == IoOpcode.Read)
        {
            (counters.Reads, counters.ReadBlocks) = (counters.Reads + 1, counters.ReadBlocks + blocks);
        }
        else
        {
            (counters.Writes, counters.WrittenBlocks) = (counters.Writes + 1, counters.WrittenBlocks + blocks);
        }
    }

    private CommandSlot Take(SubmissionEntry entry, IoCommand command, Export export)
    {
        CommandSlot slot = _free.Pop();
        (slot.CommandId, slot.Opcode, slot.Durability) = (entry.CommandId, command.Opcode, command.Durability);
        (slot.Volume, slot.Subject, slot.Offset, slot.Length) = (export.Volume, export.Spec.Subject, command.Offset, command.Length);
        (slot.Received, slot.Status) = (0, NvmeStatus.Success);
        return slot;
    }

    // It has a buffer of its own to wait for, so that no other command waits with it.
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
        slot.Buffer = _target.Buffers.TryRent((int)slot.Length);
        if (slot.Buffer is null)
        {
            return false;
        }

        slot.Data = slot.Buffer.Memory[..(int)slot.Length];
        if (slot.Opcode == IoOpcode.Read)
        {
            slot.State = SlotState.Volume;
            _running++;
            slot.RunElsewhere();
        }
        else
        {
            slot.State = SlotState.HostData;
            _awaiting++;
            _connection.Output.AddReadyToTransfer(new(slot.CommandId, slot.Index, 0, (uint)slot.Length));
        }

        return true;
    }

    // A write that the cache takes is over at once; one that must be stable waits for the device.
    private void RunNow(CommandSlot slot)
    {
        slot.State = SlotState.Volume;
        _running++;
        if (slot.Durability == WriteDurability.Stable)
        {
            slot.RunElsewhere();
        }
        else
        {
            _endedHere = false;
            slot.Run();
            if (_endedHere)
            {
                _running--;
                Release(slot);
            }
        }
    }

    private CommandSlot? TakeEnded()
    {
        lock (_gate)
        {
            return _endedCount == 0 ? null : _ended[--_endedCount];
        }
    }

    private void Release(CommandSlot slot)
    {
        if (slot.Opcode == IoOpcode.Read && slot.Status.IsSuccess)
        {
            _connection.Respond(slot.CommandId, slot.Data.Span);
        }
        else
        {
            _connection.Respond(slot.CommandId, slot.Status);
        }

        Free(slot);
    }

    private void Free(CommandSlot slot)
    {
        if (slot.Buffer is PageBuffer buffer)
        {
            _target.Buffers.Return(buffer);
        }

        if (slot.Holds)
        {
            _connection.Input.Release();
        }

        (slot.State, slot.Buffer, slot.Holds, slot.Data, slot.Ranges) = (SlotState.Free, null, false, default, []);
        _free.Push(slot);
    }
}
