using EveStorage.Linux;
using EveStorage.Lvm;

namespace EveStorage.Tests;

public class FreeDeviceTests
{
    private static readonly Drive s_drive = new() { Name = "nvme0n1", Number = "259:0", Size = ByteSize.GiB(1), WorldWideName = "nvme.1b36-disk0" };

    [Fact]
    public void A_physical_volume_has_an_id_of_lvms_form_that_its_operation_can_tell_again()
    {
        Guid operation = Guid.NewGuid();

        string id = FreeDevice.UuidFor(operation, s_drive);

        id.ShouldMatch("^[0-9a-zA-Z]{6}(-[0-9a-zA-Z]{4}){5}-[0-9a-zA-Z]{6}$");
        FreeDevice.UuidFor(operation, s_drive with { Name = "nvme7n1" }).ShouldBe(id);
        FreeDevice.UuidFor(operation, s_drive with { WorldWideName = "nvme.1b36-disk1" }).ShouldNotBe(id);
        FreeDevice.UuidFor(Guid.NewGuid(), s_drive).ShouldNotBe(id);
    }

    [Fact]
    public void What_any_operation_made_of_a_drive_is_known_as_ours_on_that_drive_alone()
    {
        string id = FreeDevice.UuidFor(Guid.NewGuid(), s_drive);

        FreeDevice.IsOurs(id, s_drive).ShouldBeTrue();
        FreeDevice.IsOurs(id, s_drive with { WorldWideName = "nvme.1b36-disk1" }).ShouldBeFalse();
        FreeDevice.IsOurs("Yt0bXd-2lWB-3Gcd-Vlzt-hRb0-Rfdt-CDPwbQ", s_drive).ShouldBeFalse();
    }

    [Fact]
    public void A_device_that_is_not_there_is_not_found()
        => Should.Throw<StorageException>(() => FreeDevice.Require("serial:nobody has this")).Kind.ShouldBe(StorageErrorKind.NotFound);
}
