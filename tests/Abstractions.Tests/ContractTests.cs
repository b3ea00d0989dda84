using Microsoft.Extensions.Logging.Abstractions;

namespace EveStorage.Tests;

public class ContractTests
{
    [Fact]
    public void What_its_own_operation_made_is_its_business_and_what_another_made_is_not()
    {
        OperationContext ours = Context(new() { Id = Guid.NewGuid() });

        OwnerMark.Of(ours.Request.Id).OutcomeFor(ours).ShouldBe(StepOutcome.Changed);
        OwnerMark.Of(Guid.NewGuid()).OutcomeFor(ours).ShouldBe(StepOutcome.AlreadySo);
        new OwnerMark("someone-else", ours.Request.Id).OutcomeFor(ours).ShouldBe(StepOutcome.AlreadySo);
    }

    [Fact]
    public void An_id_that_the_request_did_not_draw_is_never_made_up()
    {
        Guid id = Guid.NewGuid();
        OperationContext context = Context(new() { Id = Guid.NewGuid(), Ids = new Dictionary<string, Guid> { ["vm42"] = id, ["pool:data"] = id, ["vm42@a"] = id } });

        context.IdOf(new VolumeName("vm42")).ShouldBe(id);
        context.IdOf(new PoolName("data")).ShouldBe(id);
        context.IdOf(new SnapshotName(new("vm42"), "a")).ShouldBe(id);
        Should.Throw<InvalidOperationException>(() => context.IdOf(new VolumeName("data")));
    }

    [Fact]
    public void A_pool_refuses_what_it_does_not_claim_and_names_it()
    {
        BackendCapabilities capabilities = new() { Forms = new HashSet<VolumeForm> { VolumeForm.Block }, Traits = VolumeTraits.Thin };
        VolumeSpec spec = new() { Name = new("vm42"), Form = VolumeForm.Block, Size = ByteSize.MiB(1) };

        capabilities.Require(spec with { Traits = VolumeTraits.Thin });
        Refused(spec with { Traits = VolumeTraits.Encrypted | VolumeTraits.Thin }, "Encrypted");
        Refused(spec with { Quota = ByteSize.MiB(1) }, "Quota");
        Refused(spec with { Reservation = ByteSize.MiB(1) }, "Reserved");
        Refused(spec with { Form = VolumeForm.FileSystem }, "FileSystem");

        void Refused(VolumeSpec asked, string names)
        {
            StorageException e = Should.Throw<StorageException>(() => capabilities.Require(asked));
            e.Kind.ShouldBe(StorageErrorKind.NotSupported);
            e.Message.ShouldContain(names);
        }
    }

    [Fact]
    public void A_key_is_overwritten_and_gone_once_it_is_disposed()
    {
        KeyMaterial key = new(32);
        key.Bytes.Fill(1);
        key.Dispose();

        Should.Throw<ObjectDisposedException>(() => key.Bytes.Length);
    }

    private static OperationContext Context(OperationRequest request)
        => new(request, NullLogger.Instance, new Progress<StepProgress>(), TimeProvider.System);
}
