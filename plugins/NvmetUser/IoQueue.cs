using System.Runtime.InteropServices;
using EveStorage.NvmeOf;

namespace EveStorage.NvmetUser;

/// <summary>
/// An I/O queue. What is cached is read, and what the cache takes is written, at once on the connection's thread; the rest runs
/// elsewhere and its end is picked up here. A command is in its volume only while that works on it: one that waits for memory or
/// for its host's data keeps no volume from being closed.
/// </summary>
internal sealed partial class IoQueue : CommandQueue
{
    private readonly QueueConnection _connection;
    private readonly Target _target;
    private readonly Controller _controller;
    private readonly int _id;
    private readonly IoChecks _checks;
    private readonly CommandSlots _slots;
    private readonly TurnQueue _turns;
    private readonly QueueTallies _tallies = new();
    private readonly LoneCommands _lone = new();
    private CommandSlot? _here;   // is being run on this very thread
    private int _running;

    internal IoQueue(QueueConnection connection, Target target, Controller controller, int id, int size)
    {
        (_connection, _target, _controller, _id) = (connection, target, controller, id);
        _checks = new(controller);
        _slots = new(this, size);
        _turns = new(target.Time);
    }

    internal override bool HasRoom => _slots.HasFree;

    internal override bool IsBusy => _running > 0;

    internal override bool HasWork => _running > 0 || _wanting.Count > 0 || _turns.Pause is not null;

    internal override TimeSpan? Pause => _turns.Pause;

    internal override void Execute(SubmissionEntry entry, ReadOnlyMemory<byte> data)
    {
        NvmeStatus status = _controller.Registers.IsReady ? Begin(entry, data) : NvmeStatus.CommandSequenceError;
        if (!status.IsSuccess)
        {
            _connection.Respond(entry.CommandId, status);
        }
    }

    internal override void TakeNews()
    {
        while (_slots.TakeEnded() is CommandSlot slot)
        {
            _running--;
            Release(slot);
        }

        while (_turns.Take() is CommandSlot slot)
        {
            Start(slot);
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
        foreach (CommandSlot slot in _slots.Waiting)
        {
            Free(slot);
        }

        _tallies.End();
        _controller.Remove(_id, _connection.Counters);
    }

    /// <summary>A command's work is over. From any thread.</summary>
    internal void Finish(CommandSlot slot, Exception? failure)
    {
        slot.Status = failure is null ? NvmeStatus.Success : _target.StatusOf(slot, failure);
        slot.Volume.Exit();
        if (_connection.IsCurrent && ReferenceEquals(slot, _here))
        {
            _here = null;   // RunOrRefuse goes on with it
            return;
        }

        _slots.End(slot);
        _connection.Wake();
    }

    private NvmeStatus Begin(SubmissionEntry entry, ReadOnlyMemory<byte> data)
    {
        IoCommand command = _checks.Check(entry, data);
        if (!command.Status.IsSuccess)
        {
            return command.Status;
        }

        if (command.Export is null)
        {
            _connection.Respond(entry.CommandId, NvmeStatus.Success);   // there is nothing to do
            return NvmeStatus.Success;
        }

        _connection.Counters.Add(command);
        _tallies.Of(command.Export.Volume).Add(command.Opcode, command.Length);
        bool limited = command.Export.Limit is not null && (command.Opcode is IoOpcode.Read or IoOpcode.Write);
        if (!limited && command.Opcode == IoOpcode.Read && command.Durability == WriteDurability.Cached && TryRead(entry.CommandId, command))
        {
            return NvmeStatus.Success;
        }

        CommandSlot slot = _slots.Take(entry.CommandId, command);
        if (command.Opcode == IoOpcode.Write && entry.Sgl.Identifier == Sgl.InCapsule)
        {
            slot.Data = MemoryMarshal.AsMemory(data);   // only read
            slot.Holds = true;
            _connection.Input.Hold();
        }

        slot.NeedsMemory = command.Opcode == IoOpcode.Read
            || (entry.Sgl.Identifier == Sgl.ByTransport && (command.Opcode is IoOpcode.Write or IoOpcode.DatasetManagement));
        if (limited && !_turns.TryPass(slot))
        {
            slot.State = SlotState.Turn;
            SetAside(slot);
            return NvmeStatus.Success;
        }

        Start(slot);
        return NvmeStatus.Success;
    }

    private void Start(CommandSlot slot)
    {
        if (slot.NeedsMemory)
        {
            Want(slot);
        }
        else
        {
            RunOrRefuse(slot);
        }
    }

    private bool TryRead(ushort commandId, IoCommand command)
    {
        // Before the volume is entered: this may send, and a host that takes its time must not keep a volume from being closed.
        Span<byte> target = _connection.Output.ReserveData((int)command.Length);
        ServedVolume volume = command.Export!.Volume;
        NvmeStatus status = NvmeStatus.InvalidNamespace;
        if (volume.TryEnter())
        {
            status = NvmeStatus.Success;
            try
            {
                if (!volume.Source.TryRead(command.Offset, target))
                {
                    return false;
                }

                _connection.Output.AddData(commandId, 0, (int)command.Length, last: true, _connection.SkipsResponses);
            }
            catch (Exception e) when (e is StorageException or ObjectDisposedException)
            {
                status = Target.StatusOf(IoOpcode.Read, e);
                _tallies.Of(volume).AddError();
            }
            finally
            {
                volume.Exit();
            }
        }

        if (!_connection.SkipsResponses || !status.IsSuccess)
        {
            _connection.Respond(commandId, status);
        }

        return true;
    }

    // A write that the cache takes is over at once; what waits for the device, or may, runs elsewhere unless nothing else is there to do.
    private void RunOrRefuse(CommandSlot slot)
    {
        if (slot.Status.IsSuccess && !slot.Volume.TryEnter())
        {
            slot.Status = NvmeStatus.InvalidNamespace;
        }

        if (!slot.Status.IsSuccess)
        {
            Release(slot);
            return;
        }

        slot.State = SlotState.Volume;
        _running++;
        bool waits = slot.Opcode != IoOpcode.Write || slot.Durability == WriteDurability.Stable || slot.Volume.Source.WritesWait;
        bool isHere = !waits || _lone.Note(IsAlone);
        if (!isHere || slot.Volume.Source.WritesWait || slot.Volume.WritesLag)
        {
            SetAside(slot);
        }

        if (!isHere)
        {
            _target.Workers.Run(slot);
            return;
        }

        _here = slot;
        if (waits)
        {
            RunAlone(slot);
        }
        else
        {
            slot.Run();
        }

        bool ended = _here is null;
        _here = null;
        if (ended)
        {
            _running--;
            Release(slot);
        }
        else if (!waits)
        {
            slot.Volume.WritesLag = true;
        }
    }

    private bool IsAlone => _running == 1 && _awaiting == 0 && _wanting.Count == 0 && _turns.Pause is null && _connection.Input.Available.IsEmpty;

    private void RunAlone(CommandSlot slot)
    {
        _connection.Output.Send();   // what is done does not wait for the device
        _target.Awake.Leave();
        slot.Run();
        _target.Awake.Enter();
        if (_connection.HasInput)
        {
            _lone.Note(isAlone: false);
        }
    }

    private void Release(CommandSlot slot)
    {
        if (!slot.Status.IsSuccess && slot.State == SlotState.Volume && slot.Opcode is IoOpcode.Read or IoOpcode.Write or IoOpcode.Flush)
        {
            _tallies.Of(slot.Volume).AddError();
        }

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
            _target.Buffers.Return(buffer, _controller.Memory);
        }

        if (slot.Holds)
        {
            _connection.Input.Release();
        }

        _slots.Free(slot);
    }
}
