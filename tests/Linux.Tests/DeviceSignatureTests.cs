using EveStorage.Linux;

namespace EveStorage.Tests;

public sealed class DeviceSignatureTests
{
    [Fact]
    public void Signatures_are_read()
        => DeviceSignature.Read("""{"signatures": [{"device":"vdb","offset":"0x400","type":"erofs","uuid":"188c","label":null},{"device":"vdb","offset":"0x1fe","type":"dos","uuid":null,"label":null}]}""")
            .ShouldBe([new("erofs", "188c"), new("dos", "")]);

    [Theory]
    [InlineData("")]
    [InlineData("""{"signatures": []}""")]
    public void A_blank_device_has_no_signature(string output) => DeviceSignature.Read(output).ShouldBeEmpty();

    [Theory]
    [InlineData("no json")]
    [InlineData("{}")]
    [InlineData("""{"signatures": [{}]}""")]
    public void A_list_of_signatures_that_can_not_be_read_is_not_taken_for_an_empty_one(string output)
        => Should.Throw<StorageException>(() => DeviceSignature.Read(output)).Kind.ShouldBe(StorageErrorKind.Io);
}
