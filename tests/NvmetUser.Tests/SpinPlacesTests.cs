using EveStorage.NvmetUser;

namespace EveStorage.Tests;

public sealed class SpinPlacesTests
{
    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 1)]
    [InlineData(8, 4)]
    public void As_many_queues_spin_as_half_of_the_processors(int processors, int places)
    {
        SpinPlaces spins = new(processors);

        Enumerable.Range(0, 10).Count(_ => spins.TryTake()).ShouldBe(places);
    }

    [Fact]
    public void A_place_that_is_given_back_is_taken_again()
    {
        SpinPlaces spins = new(2);
        spins.TryTake();
        spins.Give();

        spins.TryTake().ShouldBeTrue();
    }
}
