using EveStorage.NvmeOf;

namespace EveStorage.NvmetUser;

/// <summary>An admin queue: a controller lives as long as it does.</summary>
internal sealed class AdminQueue(QueueConnection connection, Target target, Controller controller, TimeSpan keepAlive) : CommandQueue
{
    private readonly AdminPages _pages = new(target, controller, connection);
    private readonly ControllerFeatures _features = new(controller, keepAlive);

    // KATO is rounded up to KAS, a second: NVMe base specification 2.0, "Keep Alive".
    internal override TimeSpan? Silence
        => _features.KeepAlive > TimeSpan.Zero ? TimeSpan.FromSeconds(Math.Ceiling(_features.KeepAlive.TotalSeconds))
        : controller.IsDiscovery ? TimeSpan.FromSeconds(Limits.DiscoveryKeepAliveSeconds)
        : null;

    internal override void Execute(SubmissionEntry entry, ReadOnlyMemory<byte> data)
    {
        connection.NoteCommand();
        AdminOpcode opcode = (AdminOpcode)entry.Opcode;
        if (opcode != AdminOpcode.Fabrics && !controller.Registers.IsReady)
        {
            connection.Respond(entry.CommandId, NvmeStatus.CommandSequenceError);
            return;
        }

        switch (opcode)
        {
            case AdminOpcode.Fabrics:
                ExecuteFabrics(entry);
                break;
            case AdminOpcode.Identify:
            case AdminOpcode.GetLogPage:
                Read(entry);
                break;
            case AdminOpcode.SetFeatures:
                connection.Respond(entry.CommandId, _features.Set(entry, target.Options, out ulong set), set);
                break;
            case AdminOpcode.GetFeatures:
                GetFeature(entry);
                break;
            case AdminOpcode.Abort:
                // Bit 0 of the result: it was not aborted. Every command ends soon, or its volume has it.
                connection.Respond(entry.CommandId, NvmeStatus.Success, 1);
                break;
            case AdminOpcode.AsyncEventRequest:
                AddEventRequest(entry);
                break;
            case AdminOpcode.KeepAlive:
                connection.Respond(entry.CommandId, NvmeStatus.Success);
                break;
            default:
                connection.Respond(entry.CommandId, NvmeStatus.InvalidOpcode);
                break;
        }
    }

    internal override void TakeNews()
    {
        while (controller.Events.TryTake(out ushort commandId, out AsyncEvent told))
        {
            connection.Respond(commandId, NvmeStatus.Success, told.Result);
        }
    }

    internal override void End() => target.Remove(controller);

    private void ExecuteFabrics(SubmissionEntry entry)
    {
        bool large = (entry.Dword10 & 7) == 1;
        switch (entry.FabricsType)
        {
            case FabricsType.PropertyGet when controller.Registers.Get(entry.Dword11, large) is ulong value:
                connection.Respond(entry.CommandId, NvmeStatus.Success, value);
                break;
            case FabricsType.PropertySet when entry.Dword11 == ControllerProperty.Configuration && !large:
                Configure((uint)entry.PropertyValue);
                connection.Respond(entry.CommandId, NvmeStatus.Success);
                break;
            case FabricsType.PropertyGet:
            case FabricsType.PropertySet:
                connection.Respond(entry.CommandId, NvmeStatus.InvalidField);
                break;
            case FabricsType.Connect:
                connection.Respond(entry.CommandId, NvmeStatus.CommandSequenceError);
                break;
            default:
                connection.Respond(entry.CommandId, NvmeStatus.InvalidOpcode);
                break;
        }
    }

    // A controller that is disabled is as it was before: NVMe base specification 2.0, "Controller Level Reset".
    private void Configure(uint value)
    {
        controller.Registers.Configure(value);
        if (controller.Registers.IsReady)
        {
            controller.TakeQueues();
            return;
        }

        controller.CutQueues();
        controller.Events.Reset();
        controller.MaxQueues = target.Options.MaxQueues;
    }

    private void Read(SubmissionEntry entry)
    {
        NvmeStatus status = _pages.Read(entry, out byte[] page);
        if (status.IsSuccess)
        {
            status = entry.Sgl.Identifier != Sgl.ByTransport ? NvmeStatus.SglTypeInvalid
                : entry.Sgl.Length != page.Length ? NvmeStatus.DataLengthInvalid
                : NvmeStatus.Success;
        }

        if (status.IsSuccess)
        {
            connection.Respond(entry.CommandId, page);
        }
        else
        {
            connection.Respond(entry.CommandId, status);
        }

        TakeNews();   // a log page that was read may allow the next event
    }

    private void GetFeature(SubmissionEntry entry)
    {
        if ((Feature)(byte)entry.Dword10 == Feature.HostIdentifier)
        {
            // Fabrics know only the long one: NVMe base specification 2.0, "Host Identifier".
            bool fits = (entry.Dword11 & 1) == 1 && entry.Sgl is { Identifier: Sgl.ByTransport, Length: 16 };
            if (fits)
            {
                connection.Respond(entry.CommandId, controller.HostId.ToByteArray(bigEndian: true));
            }
            else
            {
                connection.Respond(entry.CommandId, NvmeStatus.InvalidField);
            }

            return;
        }

        connection.Respond(entry.CommandId, _features.Get(entry, out ulong value), value);
    }

    private void AddEventRequest(SubmissionEntry entry)
    {
        if (!controller.Events.TryAdd(entry.CommandId))
        {
            connection.Respond(entry.CommandId, NvmeStatus.EventLimitExceeded);
        }

        TakeNews();
    }
}
